import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAccessController, type AccessController } from "@longshore/auth";
import { createOwnTokens } from "@longshore/token-server";
import type { StorageDriver } from "@longshore/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ISSUER, issueToken, SERVICE } from "../bench/auth/issuer.js";
import { digestOf, randomContent } from "@longshore/testkit/fixtures";
import type { Answer } from "@longshore/testkit/http-client";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import { basic, passwordLine, tokenIn } from "./support.js";

const USERS = ["alice", "bob"] as const;
const password = (user: string): string => `${user}'s`;
const login = (user: string): string => basic(user, password(user));

/** Each has repositories of its own, and everybody may read `shared`. */
const RULES = [
  { match: { account: "alice", name: "alice/*" }, actions: ["*"] },
  { match: { account: "bob", name: "bob/*" }, actions: ["*"] },
  { match: { account: "/^(alice|bob)$/", name: "shared/*" }, actions: ["*"] },
];
const DROP_BOX = { match: { account: "", name: "drop/*" }, actions: ["pull", "push"] };

const LOG = { error: () => undefined, warn: () => undefined, info: () => undefined };

async function htpasswd(folder: string, rules: readonly unknown[]): Promise<AccessController> {
  const path = join(folder, "htpasswd");
  await writeFile(path, USERS.map((user) => passwordLine(user, password(user))).join(""));
  const options = { realm: "Registry Realm", path, service: "registry", workers: 1 };
  return createAccessController("htpasswd", options, {
    log: LOG,
    clock: Date.now,
    secret: "a secret",
    ownTokens: createOwnTokens,
    rules,
  });
}

interface Site {
  readonly api: () => RunningApi;
  /** The paths that the storage was asked for since the last call. */
  readonly asked: () => readonly string[];
}

function useApi(open: (folder: string) => Promise<AccessController>): Site {
  let api: RunningApi | undefined;
  let folder: Awaited<ReturnType<typeof makeTemporaryFolder>> | undefined;
  let paths: string[] = [];
  const watched = (driver: StorageDriver): StorageDriver =>
    new Proxy(driver, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        return (...args: readonly unknown[]): unknown => {
          if (typeof args[0] === "string") paths.push(args[0]);
          return Reflect.apply(value, target, args);
        };
      },
    });
  beforeAll(async () => {
    folder = await makeTemporaryFolder("mount");
    api = await startApi({ access: await open(folder.path), wrapDriver: watched });
  });
  afterAll(async () => {
    await api?.stop();
    await folder?.[Symbol.asyncDispose]();
  });
  return {
    api: () => {
      if (api === undefined) throw new Error("the API runs only while tests do");
      return api;
    },
    asked: () => {
      const before = paths;
      paths = [];
      return before;
    },
  };
}

const content = randomContent();

const push = (api: RunningApi, name: string, authorization: string): Promise<Answer> =>
  api.client.ask({
    method: "POST",
    path: `/v2/${name}/blobs/uploads/?digest=${content.digest}`,
    headers: { authorization },
    body: content.bytes,
  });

const mount = (api: RunningApi, to: string, from: string, authorization?: string, digest = content.digest) =>
  api.client.ask({
    method: "POST",
    path: `/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`,
    headers: authorization === undefined ? {} : { authorization },
  });

/** Names of headers in their order, and the status: all that could tell two answers apart but for what a session is called. */
const shapeOf = ({ status, rawHeaders, body }: Answer): unknown => [
  status,
  rawHeaders.filter((_, index) => index % 2 === 0),
  body.length,
];

describe("a mount from a repository that the user may not pull from, with Basic credentials", () => {
  const { api, asked } = useApi((folder) => htpasswd(folder, RULES));

  it("opens a session, and reveals nothing about the blob or the repository", async () => {
    expect((await push(api(), "alice/app", login("alice"))).status).toBe(201);
    asked();
    const answers = [
      await mount(api(), "bob/app", "alice/app", login("bob")),
      await mount(api(), "bob/app", "alice/app", login("bob"), digestOf("nobody has this")),
      await mount(api(), "bob/app", "alice/nowhere", login("bob")),
    ];
    // Nor can its timing: the storage isn't asked.
    expect(asked().filter((path) => path.includes("alice") || path.includes("/blobs/sha256/"))).toEqual([]);
    const [first] = answers;
    expect([first?.status, first?.headers.range, first?.headers["www-authenticate"]]).toEqual([202, "0-0", undefined]);
    for (const answer of answers) expect(shapeOf(answer)).toEqual(shapeOf(first ?? answer));
    const path = `/v2/bob/app/blobs/${content.digest}`;
    const blob = await api().client.ask({ method: "HEAD", path, headers: { authorization: login("bob") } });
    expect(blob.status).toBe(404);
  });

  it("mounts from one that they may pull from", async () => {
    expect((await push(api(), "shared/lib", login("alice"))).status).toBe(201);
    expect((await mount(api(), "bob/lib", "shared/lib", login("bob"))).status).toBe(201);
  });

  it("is refused without permission to push, or with a wrong password", async () => {
    const denied = await mount(api(), "alice/app", "bob/app", login("bob"));
    expect([denied.status, denied.code()]).toEqual([403, "DENIED"]);
    const itself = await mount(api(), "alice/app", "alice/app", login("bob"));
    expect(itself.status).toBe(403);
    expect((await mount(api(), "bob/app", "alice/app", basic("bob", "wrong"))).status).toBe(401);
    expect((await mount(api(), "bob/app", "alice/app")).status).toBe(401);
  });
});

describe("a mount with the registry's own tokens", () => {
  const { api } = useApi((folder) => htpasswd(folder, [...RULES, DROP_BOX]));

  const token = async (user: string, ...scopes: readonly string[]): Promise<string> => {
    const query = new URLSearchParams({ service: "registry" });
    for (const scope of scopes) query.append("scope", scope);
    const headers = { authorization: login(user) };
    const answer = await api().client.ask({ path: `/auth/token?${String(query)}`, headers });
    return `Bearer ${tokenIn(answer.text())}`;
  };
  const OWN = "repository:bob/lib:pull,push";

  it("is refused where a wider token can be had, which the challenge names", async () => {
    expect((await push(api(), "shared/lib", login("alice"))).status).toBe(201);
    const narrow = await mount(api(), "bob/lib", "shared/lib", await token("bob", OWN));
    expect(narrow.status).toBe(401);
    const challenge = String(narrow.headers["www-authenticate"]);
    expect(challenge).toContain('scope="repository:bob/lib:pull,push repository:shared/lib:pull"');
    expect(challenge).toContain('error="insufficient_scope"');
    const wide = await token("bob", OWN, "repository:shared/lib:pull");
    expect((await mount(api(), "bob/lib", "shared/lib", wide)).status).toBe(201);
  });

  it("opens a session if no token can be had, requested or not", async () => {
    for (const scopes of [[OWN], [OWN, "repository:alice/app:pull"]]) {
      const answer = await mount(api(), "bob/lib", "alice/app", await token("bob", ...scopes));
      expect(answer.status).toBe(202);
      expect(answer.headers["www-authenticate"]).toContain("repository:alice/app:pull");
    }
  });

  it("opens one for anonymous clients that may push", async () => {
    const answer = await mount(api(), "drop/box", "alice/app");
    expect(answer.status).toBe(202);
    expect(answer.headers["www-authenticate"]).toContain("repository:alice/app:pull");
  });
});

describe("a mount with a token of another server", () => {
  let authorization = "";
  const { api } = useApi(async (folder) => {
    const { token, certificate } = await issueToken("ES256", "bob/app");
    authorization = `Bearer ${token}`;
    const rootcertbundle = join(folder, "issuer.pem");
    await writeFile(rootcertbundle, certificate);
    const options = { realm: "https://auth.example/token", service: SERVICE, issuer: ISSUER, rootcertbundle };
    return createAccessController("token", options, { log: LOG, clock: Date.now, secret: "a secret" });
  });

  it("opens a session, and names the token that would have been sufficient: only its server knows who can get it", async () => {
    const answer = await mount(api(), "bob/app", "alice/app", authorization);
    expect([answer.status, answer.headers["www-authenticate"]]).toEqual([
      202,
      'Bearer realm="https://auth.example/token",service="bench",scope="repository:bob/app:pull,push repository:alice/app:pull",error="insufficient_scope"',
    ]);
  });

  it("is refused where the token isn't for the target", async () => {
    expect((await mount(api(), "alice/app", "bob/app", authorization)).status).toBe(401);
  });
});
