import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { freePort } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { attempt, run, startDaemon } from "@longshore/testkit/processes";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";

const CONFIG = {
  access: [
    { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
    { name: "alice", type: "registry", action: ["*"] },
    { match: { account: "bob", name: "team/*" }, actions: ["pull", "push"] },
  ],
  tokenserver: {
    service: "registry.example",
    services: ["other.example"],
    keys: { x5c: true },
    local: { users: { alice: { password: HASH }, bob: { password: HASH, labels: { groups: ["backend"] } } } },
    roles: { grants: [{ role: "reader", repositories: ["shared/*"], groups: ["backend"] }] },
  },
};

const ANSWER = z.object({
  token: z.string(),
  access_token: z.string(),
  expires_in: z.number().min(60),
  issued_at: z.iso.datetime(),
  refresh_token: z.string().optional(),
  scope: z.string().optional(),
});

const CLAIMS = z.looseObject({
  sub: z.string(),
  aud: z.string(),
  access: z.array(z.looseObject({ name: z.string() })),
});

const basic = (account: string, password = "secret"): string =>
  `Basic ${Buffer.from(`${account}:${password}`).toString("base64")}`;

function claimsOf({ token }: z.output<typeof ANSWER>): z.output<typeof CLAIMS> {
  return CLAIMS.parse(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")));
}

describe("a registry with a token server", () => {
  let running: RunningRegistry | undefined;
  const registry = (): RunningRegistry => {
    if (running === undefined) throw new Error("the registry has not started");
    return running;
  };
  beforeAll(async () => {
    running = await startRegistry({ config: { ...CONFIG, http: { workers: 2 } } });
  });
  afterAll(() => running?.[Symbol.asyncDispose]());

  async function get(query: string, authorization?: string) {
    const headers = authorization === undefined ? {} : { authorization };
    return registry().client.ask({ path: `/auth/token?service=registry.example&${query}`, headers });
  }
  async function tokenFor(query: string, authorization?: string) {
    const answer = await get(query, authorization);
    expect(answer.status, answer.text()).toBe(200);
    expect(answer.headers["cache-control"]).toBe("no-store");
    return ANSWER.parse(answer.json());
  }
  async function post(form: Readonly<Record<string, string>>) {
    return registry().client.ask({
      method: "POST",
      path: "/auth/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString(),
    });
  }
  const useOf = (token: string, path: string) =>
    registry().client.ask({ path, headers: { authorization: `Bearer ${token}` } });

  it("sends clients to its own endpoint and takes its tokens", async () => {
    const challenged = await registry().client.ask({ path: "/v2/" });
    expect(challenged.status).toBe(401);
    expect(challenged.headers["www-authenticate"]).toBe(
      `Bearer realm="${registry().url}/auth/token",service="registry.example"`,
    );
    const { token } = await tokenFor("account=alice", basic("alice"));
    expect((await useOf(token, "/v2/")).status).toBe(200);
  });

  it("omits what the rules don't grant from tokens, without failing", async () => {
    const query = "scope=repository:team/app:pull,push,delete&scope=repository:secret/app:pull";
    const claims = claimsOf(await tokenFor(query, basic("bob")));
    expect(claims.access).toEqual([{ type: "repository", name: "team/app", actions: ["pull", "push"] }]);
    expect(claims).toMatchObject({ sub: "bob", aud: "registry.example", iss: "registry.example" });
    const anonymous = claimsOf(await tokenFor("scope=repository:public/a:pull,push+repository:team/app:pull"));
    expect(anonymous).toMatchObject({ sub: "", access: [{ name: "public/a", actions: ["pull"] }] });
    const byGroup = claimsOf(await tokenFor("scope=repository:shared/a:pull,push", basic("bob")));
    expect(byGroup.access).toEqual([{ type: "repository", name: "shared/a", actions: ["pull"] }]);
  });

  it("refuses wrong passwords, and an account that isn't the one that logged in", async () => {
    const wrong = await get("", basic("alice", "wrong"));
    expect(wrong.status).toBe(401);
    expect(wrong.headers["www-authenticate"]).toMatch(/^Basic /);
    expect((await get("", basic("nobody"))).status).toBe(401);
    expect((await get("account=bob", basic("alice"))).status).toBe(400);
    expect((await get("account=alice")).status).toBe(401);
  });

  it("accepts OAuth 2 forms, and a refresh token repeatedly, even in another process and after a restart", async () => {
    const form = { service: "registry.example", scope: "repository:team/app:pull,push" };
    const login = await post({
      ...form,
      ...{ grant_type: "password", username: "bob", password: "secret", access_type: "offline", client_id: "test" },
    });
    const { refresh_token: refresh = "", scope } = ANSWER.parse(login.json());
    expect(scope).toBe("repository:team/app:pull,push");
    expect(refresh).toMatch(/^lsr_/);
    const renew = (over: Readonly<Record<string, string>> = {}) =>
      post({ ...form, grant_type: "refresh_token", refresh_token: refresh, ...over });
    for (let round = 0; round < 4; round += 1) {
      const renewed = ANSWER.parse((await renew()).json());
      expect(renewed.refresh_token).toBe(refresh);
      expect(claimsOf(renewed)).toMatchObject({ sub: "bob", access: [{ name: "team/app" }] });
    }
    await using again = await startRegistry({ root: registry().root, config: CONFIG });
    const later = await again.client.ask({
      method: "POST",
      path: "/auth/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ ...form, grant_type: "refresh_token", refresh_token: refresh }).toString(),
    });
    expect(later.status, later.text()).toBe(200);
    expect((await renew({ service: "other.example" })).status).toBe(401);
    expect((await renew({ refresh_token: `${refresh.slice(0, -2)}AA` })).status).toBe(401);
    // A refresh token is no access token.
    expect((await useOf(refresh, "/v2/")).status).toBe(401);
  });

  it("publishes the keys that its tokens verify with, and nothing secret", async () => {
    const keys = await registry().client.ask({ path: "/auth/keys" });
    const set = z.object({ keys: z.array(z.looseObject({ kid: z.string() })) }).parse(keys.json());
    const header = z
      .looseObject({ kid: z.string() })
      .parse(JSON.parse(Buffer.from((await tokenFor("")).token.split(".")[0] ?? "", "base64url").toString()));
    expect(set.keys.map(({ kid }) => kid)).toContain(header.kid);
    for (const key of set.keys) expect(key).not.toHaveProperty("d");
    const discovery = await registry().client.ask({ path: "/.well-known/openid-configuration" });
    expect(discovery.json()).toMatchObject({ jwks_uri: `${registry().url}/auth/keys` });
  });

  it("takes no token of another service, of another key, without a signature, or signed with a public key", async () => {
    const answer = await registry().client.ask({
      path: "/auth/token?service=other.example&scope=repository:team/app:pull",
      headers: { authorization: basic("alice") },
    });
    const other = ANSWER.parse(answer.json());
    expect(claimsOf(other).aud).toBe("other.example");
    expect((await useOf(other.token, "/v2/")).status).toBe(401);
    const good = await tokenFor("scope=repository:team/app:pull", basic("alice"));
    const [header = "", payload = ""] = good.token.split(".");
    const forged = (fields: Readonly<Record<string, unknown>>, signer: (input: Buffer) => Buffer): string => {
      const own: unknown = JSON.parse(Buffer.from(header, "base64url").toString());
      const changed = { ...z.looseObject({}).parse(own), x5c: undefined, ...fields };
      const input = `${Buffer.from(JSON.stringify(changed)).toString("base64url")}.${payload}`;
      return `${input}.${signer(Buffer.from(input)).toString("base64url")}`;
    };
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const keys = (await registry().client.ask({ path: "/auth/keys" })).text();
    const attacks = [
      forged({}, (input) => sign("sha256", input, { key: privateKey, dsaEncoding: "ieee-p1363" })),
      forged({ alg: "none" }, () => Buffer.alloc(0)),
      forged({ alg: "HS256" }, (input) => createHmac("sha256", keys).update(input).digest()),
      good.token.slice(0, -4),
    ];
    for (const token of attacks) expect((await useOf(token, "/v2/")).status).toBe(401);
    expect((await useOf(good.token, "/v2/team/app/tags/list")).status).toBe(404);
    expect((await useOf(good.token, "/v2/team/other/tags/list")).status).toBe(401);
  });

  it("refuses requests that don't ask for a token", async () => {
    for (const scope of ["repository", ":a:pull", "repository::pull"]) {
      expect((await get(`scope=${scope}`, basic("alice"))).status).toBe(400);
    }
    expect((await post({ grant_type: "authorization_code" })).status).toBe(400);
    expect((await get("", "Basic !!!")).status).toBe(400);
  });

  it("never writes a password or a token into its log", async () => {
    const { token, refresh_token: refresh = "" } = await tokenFor("offline_token=true", basic("alice"));
    await get("", basic("alice", "a wrong password"));
    for (const secret of [token, refresh, "a wrong password"]) expect(registry().logs()).not.toContain(secret);
  });

  describePeers("a registry of Distribution 2.8 that trusts it", ["docker-registry", "crane"], () => {
    it("is pushed to and pulled from with rights for each repository", async () => {
      await using folder = await makeTemporaryFolder("relying");
      const config = `${folder.path}/ours.yml`;
      await writeFile(
        config,
        stringify({
          version: 0.1,
          storage: { filesystem: { rootdirectory: registry().root } },
          ...CONFIG,
        }),
      );
      const cli = new URL("../../../packages/registry/bin/registry.js", import.meta.url).pathname;
      const { stdout } = await run(process.execPath, [cli, "keys", "list", config, "--certificates"]);
      await writeFile(`${folder.path}/bundle.pem`, stdout);
      const host = `127.0.0.1:${await freePort()}`;
      await writeFile(
        `${folder.path}/theirs.yml`,
        stringify({
          version: 0.1,
          storage: { filesystem: { rootdirectory: `${folder.path}/data` } },
          http: { addr: host },
          auth: {
            token: {
              realm: `${registry().url}/auth/token`,
              service: "other.example",
              issuer: "registry.example",
              rootcertbundle: `${folder.path}/bundle.pem`,
            },
          },
        }),
      );
      const theirs = await startDaemon("docker-registry", ["serve", `${folder.path}/theirs.yml`], {
        ready: async () => (await fetch(`http://${host}/v2/`)).status === 401,
      });
      try {
        const env = { DOCKER_CONFIG: folder.path };
        await run("crane", ["auth", "login", host, "-u", "bob", "-p", "secret", "--insecure"], { env });
        const layer = `${folder.path}/layer.tar`;
        await run("tar", ["-cf", layer, "-C", folder.path, "bundle.pem"]);
        await run("crane", ["append", "-f", layer, "-t", `${host}/team/app:1`, "--insecure"], { env });
        await run("crane", ["manifest", `${host}/team/app:1`, "--insecure"], { env });
        const denied = await attempt("crane", ["append", "-f", layer, "-t", `${host}/secret/app:1`, "--insecure"], {
          env,
        });
        expect(denied.code).not.toBe(0);
      } finally {
        await theirs.stop();
      }
    });
  });
});
