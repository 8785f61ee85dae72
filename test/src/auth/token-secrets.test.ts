import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serveHttp, type Listening } from "@longshore/testkit/loopback";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import bcrypt from "bcryptjs";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { useResources } from "../clients/site.js";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { basic } from "./support.js";

const AUDIENCE = "https://registry.example";
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token";

/** Passwords that can't be in any output by chance. */
const PASSWORD = "the-password-of-alice";
const WRONG = "a-wrong-password-of-alice";
const PROGRAM_PASSWORD = "the-password-for-the-program";
const HOOK_SECRET = "the-secret-that-the-hook-knows";
const CLIENT_SECRET = "the-secret-of-the-client-at-the-provider";

const DOCUMENT = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  refresh_token: z.string().optional(),
});

const own = useResources();
let registry: ServedRegistry;
let issuer: Listening;
let idToken: string;
/** What no log and no record may show. */
const secrets = new Set([PASSWORD, WRONG, PROGRAM_PASSWORD, HOOK_SECRET, CLIENT_SECRET]);

beforeAll(async () => {
  const folder = own(await makeTemporaryFolder("secrets")).path;
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", use: "sig", alg: "RS256" };
  issuer = own(
    await serveHttp((request, response) => {
      const discovery = {
        issuer: issuer.url,
        jwks_uri: `${issuer.url}/jwks`,
        authorization_endpoint: `${issuer.url}/authorize`,
        token_endpoint: `${issuer.url}/token`,
      };
      // The hook, which fails: what it was sent must not be quoted.
      if (request.url === "/hook") response.statusCode = 500;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(request.url === "/jwks" ? { keys: [jwk] } : discovery));
    }),
  );
  idToken = await new SignJWT({ repository: "acme/app", sub: "repo:acme/app:ref:refs/heads/main" })
    .setProtectedHeader({ alg: "RS256", kid: "one" })
    .setIssuer(issuer.url)
    .setAudience(AUDIENCE)
    .setExpirationTime("5m")
    .sign(privateKey);
  secrets.add(idToken);
  const program = join(folder, "login");
  await writeFile(program, '#!/bin/sh\nread -r account password\necho "$account $password" >&2\nexit 2\n');
  await chmod(program, 0o755);
  registry = own(
    await serveRegistry({
      http: { workers: 2 },
      rest: {
        log: { level: "debug", audit: { target: "FOLDER/audit.log", pulls: true } },
        access: [{ match: { account: "/^.+$/" }, actions: ["*"] }],
        tokenserver: {
          failuredelay: "0s",
          sources: ["local", "personal", "login", "oidc", "program", "hook"],
          local: { users: { alice: { password: bcrypt.hashSync(PASSWORD, 4) } } },
          personal: {},
          login: { openid: { issuer: issuer.url, clientid: "registry", clientsecret: CLIENT_SECRET } },
          oidc: {
            issuers: [
              {
                issuer: issuer.url,
                audience: AUDIENCE,
                rules: [{ claims: { repository: "acme/app" }, account: "ci/${repository}" }],
              },
            ],
          },
          program: { command: program },
          hook: { url: `${issuer.url}/hook`, authorization: `Bearer ${HOOK_SECRET}` },
        },
      },
    }),
  );
});

async function ask(
  path: string,
  init: RequestInit = {},
): Promise<z.output<typeof DOCUMENT> & { readonly status: number }> {
  const response = await fetch(`http://127.0.0.1:${registry.port}${path}`, { redirect: "manual", ...init });
  const text = await response.text();
  const document =
    response.headers.get("content-type")?.includes("json") === true ? DOCUMENT.parse(JSON.parse(text)) : {};
  for (const secret of [document.token, document.access_token, document.refresh_token]) {
    if (secret !== undefined) secrets.add(secret);
  }
  return { ...document, status: response.status };
}

const post = (path: string, form: Readonly<Record<string, string>>) =>
  ask(path, { method: "POST", headers: FORM, body: new URLSearchParams(form) });

describe("at debug level, with every source and every sort of login", () => {
  it("no password, token, code or secret is in any log or in the storage", async () => {
    const login = (account: string, password: string) => ({ headers: { authorization: basic(account, password) } });
    const scope = "scope=repository:team/app:pull,push";
    // Right and wrong passwords, in a header and in a form.
    const first = await ask(`/auth/token?offline_token=true&${scope}`, login("alice", PASSWORD));
    expect(first.status).toBe(200);
    expect((await ask("/auth/token", login("alice", WRONG))).status).toBe(401);
    expect((await post("/auth/token", { username: "alice", password: WRONG })).status).toBe(401);
    // An account that the program doesn't know, and that breaks the hook.
    expect((await ask("/auth/token", login("carol", PROGRAM_PASSWORD))).status).toBe(503);
    // Refresh tokens, right and spoilt.
    const refresh = first.refresh_token ?? "";
    expect((await post("/auth/token", { grant_type: "refresh_token", refresh_token: refresh })).status).toBe(200);
    const spoilt = `${refresh.slice(0, -2)}AA`;
    expect((await post("/auth/token", { grant_type: "refresh_token", refresh_token: spoilt })).status).toBe(401);
    // Tokens at the API, right, spoilt and of the wrong sort.
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    expect((await ask("/v2/", bearer(first.token ?? ""))).status).toBe(200);
    for (const token of [`${first.token ?? ""}x`, refresh, idToken])
      expect((await ask("/v2/", bearer(token))).status).toBe(401);
    // A personal token, as a password and, by mistake, as a user name.
    const made = await ask("/auth/tokens", {
      method: "POST",
      headers: { ...login("alice", PASSWORD).headers, "content-type": "application/json" },
      body: JSON.stringify({ name: "laptop", scopes: ["repository:team/*:pull"] }),
    });
    expect(made.token).toMatch(/^lspat_/);
    const personal = made.token ?? "";
    expect((await ask(`/auth/token?${scope}`, login("x", personal))).status).toBe(200);
    for (const secret of [personal, refresh, idToken, first.token ?? ""]) {
      await ask("/auth/token", login(secret.slice(0, 250), WRONG));
      await ask("/v2/", login(secret.slice(0, 250), WRONG));
      secrets.add(secret.slice(0, 250));
    }
    // An ID token, as a password and in exchange.
    expect((await ask("/auth/token", login("ci", idToken))).status).toBe(200);
    const exchange = { grant_type: EXCHANGE, subject_token_type: ID_TOKEN };
    expect((await post("/auth/token", { ...exchange, subject_token: idToken })).status).toBe(200);
    expect((await post("/auth/token", { ...exchange, subject_token: `${idToken}x` })).status).toBe(401);
    // Secrets where they don't belong: in queries, also of an answer to a login in a browser.
    for (const name of ["password", "refresh_token", "access_token", "subject_token", "client_secret", "id_token"]) {
      await ask(`/auth/token?username=alice&${name}=${PASSWORD}`);
    }
    for (const name of ["code", "state", "user_code", "device_code"]) {
      await ask(`/auth/login/openid/callback?x=1&${name}=an-answer-to-a-login`);
      await ask(`/auth/login/openid/callback?${name}=an-answer-to-a-login`);
    }
    secrets.add("an-answer-to-a-login");
    await ask("/auth/login/openid");
    await post("/auth/device/token", {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: "an-answer-to-a-login",
    });

    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
    const outputs = new Map([
      ["standard output", registry.stdout()],
      ["standard error", registry.stderr()],
    ]);
    for (const entry of await readdir(registry.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name === "config.yml") continue;
      const path = join(entry.parentPath, entry.name);
      outputs.set(path, await readFile(path, "latin1"));
    }
    expect(outputs.get(join(registry.folder, "audit.log"))).toContain('"account":"alice"');
    expect(registry.stdout()).toContain("/auth/login/openid/callback?x=1&code=redacted");
    // Whichever process it was that refused them.
    expect(registry.stderr().match(/msg="a login was refused"/g)).toHaveLength(8);
    expect([...secrets].filter((secret) => secret.length > 16).length).toBeGreaterThan(12);
    const found = [...outputs].flatMap(([place, text]) =>
      [...secrets]
        .filter((secret) =>
          [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")].some((form) =>
            text.includes(form),
          ),
        )
        .map((secret) => `${place}: ${secret.slice(0, 24)}`),
    );
    expect(found).toEqual([]);
  });
});
