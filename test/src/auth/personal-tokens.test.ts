import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "@longshore/testkit/fixtures";
import { serveHttp, type Listening } from "@longshore/testkit/loopback";
import { attempt, run } from "@longshore/testkit/processes";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM } from "@longshore/testkit/project";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { basic } from "./support.js";

const AUDIENCE = "https://registry.example";
const BLOB = "content that a robot pushes";

let registry: ServedRegistry;
let issuer: Listening;
let signingKey: CryptoKey;

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  signingKey = privateKey;
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", use: "sig", alg: "RS256" };
  issuer = await serveHttp((request, response) => {
    const isKeys = request.url === "/jwks";
    response.end(JSON.stringify(isKeys ? { keys: [jwk] } : { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }));
  });
  registry = await serveRegistry({
    // Several processes, each of which must see what another one does.
    http: { workers: 2 },
    rest: {
      tokenserver: {
        personal: {},
        oidc: {
          issuers: [
            {
              issuer: issuer.url,
              audience: AUDIENCE,
              rules: [{ claims: { sub: "repo:acme/*:ref:refs/heads/main" }, account: "ci/${repository}" }],
            },
          ],
        },
      },
      access: [
        { match: { account: "robot/*", name: "team/*" }, actions: ["pull", "push"] },
        { match: { account: "ci/acme/*", name: "acme/*" }, actions: ["pull", "push"] },
      ],
    },
  });
});

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await issuer.close();
});

/** Runs a command of the registry with the configuration of the one that serves. */
async function command(name: string, ...args: readonly string[]): Promise<string> {
  const words = [PROGRAM, ...name.split(" "), join(registry.folder, "config.yml"), ...args];
  return (await run(process.execPath, words)).stdout.trim();
}

function url(path: string): string {
  return `http://127.0.0.1:${registry.port}${path}`;
}

/** Asks for a token as Docker does, which repeats the user name. */
async function askToken(user: string, password: string, scope: string): Promise<{ status: number; token: string }> {
  const query = new URLSearchParams({ service: "registry", account: user, client_id: "docker", scope });
  query.set("offline_token", "true");
  const response = await fetch(url(`/auth/token?${query.toString()}`), {
    headers: { authorization: basic(user, password) },
  });
  const body = (await response.json()) as Record<string, unknown>;
  expect(body["refresh_token"]).toBeUndefined();
  return { status: response.status, token: String(body["token"]) };
}

async function push(name: string, token: string): Promise<number> {
  const response = await fetch(url(`/v2/${name}/blobs/uploads/?digest=${digestOf(BLOB)}`), {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: BLOB,
  });
  return response.status;
}

function sign(claims: Record<string, unknown>): Promise<string> {
  const all = { iss: issuer.url, aud: AUDIENCE, exp: Math.floor(Date.now() / 1000) + 300, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(signingKey);
}

describe("a token that no registry would take", () => {
  it("isn't created", async () => {
    const config = join(registry.folder, "config.yml");
    const create = (path: string, ...args: readonly string[]) =>
      attempt(process.execPath, [PROGRAM, "token", "create", path, "--account", "alice", ...args]);
    const nowhere = await create(config, "--source", "nowhere");
    expect(nowhere).toMatchObject({ code: 1, stdout: "" });
    expect(nowhere.stderr).toContain('there is no source "nowhere" of accounts: configured are oidc');
    const other = join(registry.folder, "other.yml");
    await writeFile(
      other,
      stringify({ version: 0.1, storage: { filesystem: { rootdirectory: join(registry.folder, "data") } } }),
    );
    const nobody = await create(other);
    expect(nobody).toMatchObject({ code: 1, stdout: "" });
    expect(nobody.stderr).toContain("add personal: {} to tokenserver");
    expect(await command("token list", "--account", "alice")).not.toContain("alice");
  });
});

describe("a robot", () => {
  it("pushes where its rights and its token's scopes meet, until the token is revoked", async () => {
    const scope = "repository:team/app:pull,push repository:other/app:pull,push";
    const token = await command("token create", "--robot", "ci", "--scope", scope, "--name", "pipeline");
    expect(token).toMatch(/^lspat_[0-9A-Za-z]{36}$/);

    const granted = await askToken("anything", token, "repository:team/app:pull,push");
    expect(granted.status).toBe(200);
    expect(await push("team/app", granted.token)).toBe(201);
    // The rules would grant this to the robot, its token doesn't; and the other way round.
    for (const name of ["team/web", "other/app"]) {
      const narrow = await askToken("anything", token, `repository:${name}:pull,push`);
      expect(await push(name, narrow.token)).toBe(401);
    }

    const listed = await command("token list", "--json");
    const { id, ...rest } = JSON.parse(listed) as Record<string, unknown>;
    expect(rest).toMatchObject({ account: "robot/ci", name: "pipeline", created_by: "command line" });
    expect(await command("token list")).toContain("robot/ci");
    await expect
      .poll(() => command("token list", "--account", "robot/ci", "--json"), { timeout: 60_000 })
      .toMatch(/"last_used_at":"20/);

    expect(await command("token revoke", "--id", String(id))).toBe(`revoked ${String(id)} of robot/ci`);
    // Whichever process answers: each has used the token just before.
    await expect
      .poll(async () => (await Promise.all([1, 2, 3, 4].map(() => statusOf(token)))).join(), { timeout: 60_000 })
      .toBe("401,401,401,401");
    expect(await command("token list")).not.toContain("robot/ci");
    expect(registry.stderr() + registry.stdout()).not.toContain("lspat_");
  });

  it("is described by flags that make sense", async () => {
    const configuration = join(registry.folder, "config.yml");
    for (const flags of [
      [],
      ["--account", "a", "--robot", "b"],
      ["--robot", "$x"],
      ["--robot", "x", "--scope", "all"],
    ]) {
      const { code, stderr } = await attempt(process.execPath, [PROGRAM, "token", "create", configuration, ...flags]);
      expect(code).toBe(1);
      expect(stderr).toContain("Error: ");
    }
    const { code, stderr } = await attempt(process.execPath, [PROGRAM, "token", "revoke", configuration, "--id", "x"]);
    expect(code).toBe(1);
    expect(stderr).toContain("there is no token x");
  });

  it("doesn't exist unless it is configured", async () => {
    const broken = join(registry.folder, "broken.yml");
    await writeFile(broken, stringify({ version: 0.1 }));
    const { code } = await attempt(process.execPath, [PROGRAM, "token", "list", broken]);
    expect(code).toBe(1);
  });
});

async function statusOf(password: string): Promise<number> {
  const response = await fetch(url("/auth/token?service=registry"), {
    headers: { authorization: basic("x", password) },
  });
  return response.status;
}

describe("a pipeline", () => {
  const claims = { sub: "repo:acme/app:ref:refs/heads/main", repository: "acme/app" };

  it("pushes with its ID token as the password", async () => {
    const granted = await askToken("github", await sign(claims), "repository:acme/app:pull,push");
    expect(await push("acme/app", granted.token)).toBe(201);
    const other = await askToken("github", await sign(claims), "repository:team/app:pull,push");
    expect(await push("team/app", other.token)).toBe(401);
  });

  it("pushes after an exchange of its ID token", async () => {
    const form = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: await sign(claims),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      service: "registry",
      scope: "repository:acme/app:pull,push",
    });
    const response = await fetch(url("/auth/token"), { method: "POST", body: form });
    expect(response.status).toBe(200);
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({
      token_type: "Bearer",
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      scope: "repository:acme/app:pull,push",
    });
    expect(body["refresh_token"]).toBeUndefined();
    expect(await push("acme/app", String(body["access_token"]))).toBe(201);
  });

  it("of another branch or audience gets nothing, and the log says why without the token", async () => {
    const tokens = [await sign({ ...claims, sub: "repo:acme/app:pull_request" }), await sign({ ...claims, aud: "x" })];
    for (const token of tokens) expect(await statusOf(token)).toBe(401);
    await registry.logged("no rule admits it");
    await registry.logged("audience is another service");
    for (const token of tokens) expect(registry.stderr() + registry.stdout()).not.toContain(token.split(".")[2]);
  });
});
