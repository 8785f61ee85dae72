import { get } from "node:https";
import { beforeAll, describe, expect, it } from "vitest";
import { createIdentities, type Identity, type TestIdentities } from "../server/certificates.js";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { basic, passwordLine } from "./support.js";

let identities: TestIdentities;

beforeAll(async () => {
  identities = await createIdentities();
});

const RULES = [
  { name: "client", type: "repository", repository: "machines/*", action: ["pull"] },
  { name: "alice", type: "registry", action: ["*"] },
];

function serve(auth: Readonly<Record<string, unknown>>, clientauth: string): Promise<ServedRegistry> {
  const tls = { certificate: "FOLDER/cert.pem", key: "FOLDER/key.pem", clientcas: ["FOLDER/ca.pem"], clientauth };
  return serveRegistry({
    http: { tls },
    rest: { auth, access: RULES },
    files: {
      "cert.pem": identities.server.certificate,
      "key.pem": identities.server.key,
      "ca.pem": identities.authority,
      htpasswd: passwordLine("alice", "secret"),
    },
  });
}

/** The status of a GET, or "refused" where there is no connection. */
function ask(
  registry: ServedRegistry,
  path: string,
  identity?: Identity,
  authorization?: string,
): Promise<number | "refused"> {
  return new Promise((resolve) => {
    const shown = identity === undefined ? {} : { cert: identity.certificate, key: identity.key };
    const headers = authorization === undefined ? {} : { authorization };
    const options = { host: "127.0.0.1", port: registry.port, path, headers, ca: identities.authority, agent: false };
    get({ ...options, ...shown }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).once("error", () => resolve("refused"));
  });
}

describe("client certificates as users", () => {
  it("alone: the certificate's name is the account, and rules hold for it", async () => {
    await using registry = await serve({ mtls: { account: "cn" } }, "require-and-verify-client-cert");
    expect(await ask(registry, "/v2/", identities.client)).toBe(200);
    expect(await ask(registry, "/v2/machines/a/tags/list", identities.client)).toBe(404);
    expect(await ask(registry, "/v2/people/a/tags/list", identities.client)).toBe(403);
    expect(await ask(registry, "/v2/", identities.stranger)).toBe("refused");
    expect(await ask(registry, "/v2/")).toBe("refused");
  });

  it("together with passwords, which take precedence", async () => {
    const auth = { htpasswd: { realm: "Registry Realm", path: "FOLDER/htpasswd" }, mtls: {} };
    await using registry = await serve(auth, "verify-client-cert-if-given");
    const alice = basic("alice", "secret");
    expect(await ask(registry, "/v2/")).toBe(401);
    expect(await ask(registry, "/v2/people/a/tags/list", undefined, alice)).toBe(404);
    expect(await ask(registry, "/v2/machines/a/tags/list", identities.client)).toBe(404);
    expect(await ask(registry, "/v2/people/a/tags/list", identities.client)).toBe(403);
    expect(await ask(registry, "/v2/people/a/tags/list", identities.client, alice)).toBe(404);
    expect(await ask(registry, "/v2/machines/a/tags/list", identities.client, basic("alice", "wrong"))).toBe(401);
  });
});
