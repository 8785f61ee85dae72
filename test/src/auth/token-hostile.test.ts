import { createHmac, createPublicKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import bcrypt from "bcryptjs";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { useResources } from "../clients/site.js";
import { createIdentities } from "../server/certificates.js";
import { basic } from "./support.js";
import { startAuthority, type TokenAuthority } from "./token-authority.js";

const FORM = "application/x-www-form-urlencoded";

const ANSWER = z.object({ token: z.string(), refresh_token: z.string().optional() });
const CLAIMS = z.looseObject({
  sub: z.string(),
  aud: z.string(),
  access: z.array(z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) })),
});
const KEYS = z.object({ keys: z.array(z.looseObject({ kid: z.string() })) });

const own = useResources();
let authority: TokenAuthority;

const hash = (password: string, cost = 4): string => bcrypt.hashSync(password, cost);

/** Who may do what at the registry under attack. */
const SETTINGS = {
  clock: Date.now,
  access: [
    { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
    { match: { account: "admin" }, actions: ["*"] },
    { match: { account: "/^.+$/", type: "repository", name: "${account}/*" }, actions: ["*"] },
    { match: { account: "bob", type: "repository", name: "/^team\\//" }, actions: ["pull", "push"] },
  ],
  tokenserver: {
    service: "registry.example",
    services: ["other.example"],
    failuredelay: "0s",
    throttle: { disabled: true },
    keys: { x5c: true },
    local: { users: { admin: { password: hash("admin's") }, bob: { password: hash("bob's") } } },
  },
};

beforeAll(async () => {
  authority = own(await startAuthority(SETTINGS));
});

const get = (query: string, authorization?: string) =>
  authority.api.client.ask({
    path: `/auth/token?${query}`,
    headers: authorization === undefined ? {} : { authorization },
  });
const post = (form: Readonly<Record<string, string>> | string, headers: Readonly<Record<string, string>> = {}) =>
  authority.api.client.ask({
    method: "POST",
    path: "/auth/token",
    headers: { "content-type": FORM, ...headers },
    body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
  });
const use = async (token: string, path = "/v2/", method = "GET") =>
  (await authority.api.client.ask({ method, path, headers: { authorization: `Bearer ${token}` } })).status;

const BOB = basic("bob", "bob's");

async function tokenFor(query: string, authorization?: string): Promise<string> {
  const answer = await get(query, authorization);
  expect(answer.status, answer.text()).toBe(200);
  return ANSWER.parse(answer.json()).token;
}

function claimsOf(token: string) {
  return CLAIMS.parse(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()));
}

describe("a forged token", () => {
  let good: string;
  let header: Record<string, unknown>;
  let payload: Record<string, unknown>;

  beforeAll(async () => {
    good = await tokenFor("scope=repository:team/app:pull,push", BOB);
    const part = (index: number) =>
      z.looseObject({}).parse(JSON.parse(Buffer.from(good.split(".")[index] ?? "", "base64url").toString()));
    [header, payload] = [part(0), part(1)];
    expect(await use(good)).toBe(200);
  });

  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const forge = (fields: object, signer: (input: Buffer) => Buffer, claims: object = {}): string => {
    const input = `${encode({ ...header, ...fields })}.${encode({ ...payload, ...claims })}`;
    return `${input}.${signer(Buffer.from(input)).toString("base64url")}`;
  };
  const attacker = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const byAttacker = (input: Buffer): Buffer =>
    sign("sha256", input, { key: attacker.privateKey, dsaEncoding: "ieee-p1363" });

  it("isn't believed by an algorithm that turns our public key into a secret", async () => {
    const ours = new X509Certificate(authority.certificates).publicKey;
    const { keys } = KEYS.parse((await authority.api.client.ask({ path: "/auth/keys" })).json());
    const secrets: (string | Buffer)[] = [
      authority.certificates,
      authority.certificates.trim(),
      ours.export({ type: "spki", format: "pem" }).toString(),
      ours.export({ type: "spki", format: "der" }),
      JSON.stringify(keys[0]),
      String(keys[0]?.kid),
      String(header["kid"]),
      "",
    ];
    for (const alg of ["HS256", "HS384", "HS512"]) {
      for (const secret of secrets) {
        const signer = (input: Buffer) => createHmac(alg.replace("HS", "sha"), secret).update(input).digest();
        for (const fields of [{ alg }, { alg, x5c: undefined }, { alg, x5c: undefined, kid: undefined }]) {
          expect(await use(forge(fields, signer))).toBe(401);
        }
      }
    }
    for (const alg of ["none", "NONE", "nOnE", "", "ES256K", "PS256", "RS256", "EdDSA", "dir"]) {
      expect(await use(forge({ alg }, () => Buffer.alloc(0)))).toBe(401);
      expect(await use(forge({ alg }, byAttacker))).toBe(401);
    }
  });

  it("isn't believed by a key that it brings along or points to", async () => {
    const jwk = createPublicKey(attacker.privateKey).export({ format: "jwk" });
    const { server, stranger } = await createIdentities();
    const der = (pem: string): string => new X509Certificate(pem).raw.toString("base64");
    const known: unknown = header["x5c"];
    const chains = [
      [der(server.certificate)],
      [der(stranger.certificate)],
      [der(stranger.certificate), new X509Certificate(authority.certificates).raw.toString("base64")],
      known,
      [],
      ["not base64 at all"],
      "a text",
      { 0: "x" },
    ];
    const pointers = [
      ...chains.map((x5c) => ({ x5c })),
      { x5c: undefined, jwk },
      { x5c: undefined, jwk: { ...jwk, kid: header["kid"] } },
      { x5c: undefined, jku: "http://127.0.0.1:1/keys" },
      { x5c: undefined, jku: `${authority.url}/auth/keys`, kid: "other" },
      { x5c: undefined, x5u: "http://127.0.0.1:1/chain" },
      { crit: ["exp"], x5c: undefined },
      { b64: false, crit: ["b64"] },
      { zip: "DEF" },
    ];
    for (const fields of pointers) expect(await use(forge(fields, byAttacker)), JSON.stringify(fields)).toBe(401);
  });

  it("isn't believed by a key id that means something elsewhere", async () => {
    const paths = ["../../../../dev/null", "/etc/hostname", "file:///dev/null", "http://127.0.0.1:1/"];
    const code = ["' OR 1=1 --", "$(id)", "__proto__", "constructor", "toString", "", "\0", "0".repeat(5000)];
    const byEmptySecret = (input: Buffer): Buffer => createHmac("sha256", "").update(input).digest();
    for (const kid of [...paths, ...code, null, 0, {}, []]) {
      expect(await use(forge({ kid, x5c: undefined }, byAttacker)), JSON.stringify(kid)).toBe(401);
      expect(await use(forge({ kid, x5c: undefined, alg: "HS256" }, byEmptySecret)), JSON.stringify(kid)).toBe(401);
    }
  });

  it("isn't believed if its claims were changed, or if it is for another service", async () => {
    const [head = "", , signature = ""] = good.split(".");
    for (const claims of [
      { sub: "admin" },
      { aud: "other.example" },
      { iss: "other" },
      { exp: 9_999_999_999 },
      { access: [{ type: "registry", name: "catalog", actions: ["*"] }] },
    ]) {
      expect(await use(`${head}.${encode({ ...payload, ...claims })}.${signature}`)).toBe(401);
    }
    expect(await use(await tokenFor("service=other.example", BOB))).toBe(401);
  });

  it("costs no more than its size: huge, deep or endless ones are refused", async () => {
    const deep = `${"[".repeat(4000)}${"]".repeat(4000)}`;
    const tokens = [
      "x".repeat(12_000),
      ".".repeat(12_000),
      `${good}.${"A".repeat(8000)}`,
      `${encode(header)}.${Buffer.from(deep).toString("base64url")}.AAAA`,
      `${Buffer.from(deep).toString("base64url")}.${encode(payload)}.AAAA`,
    ];
    for (const token of tokens) expect(await use(token)).toBe(401);
    expect([400, 401, 431]).toContain(await use("x".repeat(200_000)).catch(() => 431));
    expect(await use(good)).toBe(200);
  });

  it("isn't a token of another sort", async () => {
    const { refresh_token: refresh = "" } = ANSWER.parse((await get("offline_token=true", BOB)).json());
    expect(refresh).toMatch(/^lsr_/);
    expect(await use(refresh)).toBe(401);
    expect((await get("", basic("bob", refresh))).status).toBe(401);
    expect((await get("", basic("bob", good))).status).toBe(401);
    expect((await post({ grant_type: "refresh_token", refresh_token: good })).status).toBe(401);
    expect((await post({ grant_type: "password", username: "bob", password: refresh })).status).toBe(401);
  });
});

describe("a question for a token", () => {
  it.each([
    "repository:../secret:pull",
    "repository:bob/../admin/app:pull",
    "repository:/etc:pull",
    "repository:Bob/app:pull",
    "repository:bob:pull",
    "repository:public/a/../../secret/b:pull",
    "repository:*:pull",
    "repository:public/*/secret:pull",
    "repository:__proto__:pull",
    "repository:constructor:*",
    "repository:secret/app:*",
    "repository:secret/app:pull,*,push",
    "repository:public/a:push",
    "repository:public/a:*",
    "repository(plugin):secret/app:pull",
    "registry:catalog:*",
    "registry:tokens:*",
    "registry:*:*",
    "x:y:z",
    "repository:a\r\nb:pull",
    'repository:"><script>:pull',
    "repository:\u0000:pull",
    "repository:\u202Eppa/bob:pull",
    "repository:ｂｏｂ/app:pull",
  ])("gets nothing by a scope with a hostile name: %j", async (scope) => {
    for (const authorization of [undefined, BOB]) {
      const answer = await get(`scope=${encodeURIComponent(scope)}`, authorization);
      expect([200, 400]).toContain(answer.status);
      if (answer.status !== 200) continue;
      expect(claimsOf(ANSWER.parse(answer.json()).token).access, scope).toEqual([]);
    }
  });

  it("gets a name that rules grant by pattern only as it is, which no route then takes", async () => {
    const token = await tokenFor(`scope=${encodeURIComponent("repository:team/../secret:pull")}`, BOB);
    expect(claimsOf(token).access).toEqual([{ type: "repository", name: "team/../secret", actions: ["pull"] }]);
    for (const path of ["/v2/secret/tags/list", "/v2/team/../secret/tags/list", "/v2/team%2f..%2fsecret/tags/list"]) {
      expect([301, 400, 401, 404]).toContain(await use(token, path));
    }
    expect(await use(token, "/v2/secret/tags/list")).toBe(401);
  });

  it("is bounded", async () => {
    const many = Array.from({ length: 101 }, (_, index) => `scope=repository:public/a${index}:pull`).join("&");
    expect((await get(many)).status).toBe(400);
    const actions = Array.from({ length: 33 }, (_, index) => `a${index}`).join(",");
    expect((await get(`scope=repository:public/a:${actions}`)).status).toBe(400);
    expect((await get(`scope=repository:${"a".repeat(2000)}:pull`)).status).toBe(400);
    expect((await get(`service=${"a".repeat(300)}`)).status).toBe(400);
    expect((await post(`grant_type=password&password=${"a".repeat(70_000)}`)).status).toBe(413);
  });

  it("is for this service unless another one is named that may be", async () => {
    expect(claimsOf(await tokenFor("", BOB)).aud).toBe("registry.example");
    expect(claimsOf(await tokenFor("service=", BOB)).aud).toBe("registry.example");
    expect(claimsOf(await tokenFor("service=other.example&service=registry.example", BOB)).aud).toBe("other.example");
    for (const service of ["third.example", "REGISTRY.EXAMPLE", "registry.example ", "*", "__proto__", "\0"]) {
      expect((await get(`service=${encodeURIComponent(service)}`, BOB)).status, service).toBe(400);
    }
  });

  it("is from whom the credentials say, however often another name is given", async () => {
    expect((await get("account=admin", BOB)).status).toBe(400);
    expect((await get("account=Bob", BOB)).status).toBe(400);
    expect((await get("account=admin")).status).toBe(401);
    expect((await get("account=admin&password=admin's")).status).toBe(400);
    expect((await post({ account: "admin" }, { authorization: BOB })).status).toBe(400);
    expect((await post({ account: "admin", username: "bob", password: "bob's" })).status).toBe(400);
    const twice = await post("username=bob&password=bob's&username=admin", {});
    expect(claimsOf(ANSWER.parse(twice.json()).token).sub).toBe("bob");
    // The form's own credentials count, and not a header that may be left over from something else.
    const both = await post({ username: "bob", password: "admin's" }, { authorization: basic("admin", "admin's") });
    expect(both.status).toBe(401);
  });

  it("with a refresh token is for its own account and service", async () => {
    const { refresh_token: refresh = "" } = ANSWER.parse((await get("offline_token=true", BOB)).json());
    const renew = (over: Readonly<Record<string, string>>) =>
      post({ grant_type: "refresh_token", refresh_token: refresh, scope: "registry:catalog:*", ...over });
    const renewed = ANSWER.parse((await renew({})).json());
    expect(claimsOf(renewed.token)).toMatchObject({ sub: "bob", access: [] });
    expect(renewed.refresh_token).toBe(refresh);
    expect((await renew({ account: "admin" })).status).toBe(400);
    expect((await renew({ service: "other.example" })).status).toBe(401);
    const other = own(await startAuthority(SETTINGS));
    const foreign = await other.api.client.ask({
      method: "POST",
      path: "/auth/token",
      headers: { "content-type": FORM },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refresh }).toString(),
    });
    expect(foreign.status).toBe(401);
  });

  it("with a name or password that can't be one is refused before any source is asked", async () => {
    const names = ["", "a\nb", "a\0b", "x".repeat(300), "\u0007"];
    for (const name of names) expect([400, 401]).toContain((await get("", basic(name, "x"))).status);
    for (const header of ["Basic", "Basic =", "Basic Zm9v", "Basic \u00ff", "Bearer x", "Negotiate x", "Digest x"]) {
      expect([200, 400, 401], header).toContain((await get("", header)).status);
    }
    // What isn't Basic is no login: such a client gets what anyone gets.
    expect(claimsOf(await tokenFor("scope=repository:bob/app:pull", "Bearer x")).sub).toBe("");
  });
});

describe("a removed account", () => {
  it("has no refresh token that could outlive it, if its source can't look it up", async () => {
    const folder = own(await makeTemporaryFolder("program"));
    const program = join(folder.path, "login");
    await writeFile(program, "#!/bin/sh\ncat > /dev/null\n");
    await chmod(program, 0o755);
    const { local, ...rest } = SETTINGS.tokenserver;
    const tokenserver = { ...rest, local, sources: ["local", "program"], program: { command: program } };
    const site = own(await startAuthority({ ...SETTINGS, tokenserver }));
    const refreshTokenOf = async (account: string, password: string) => {
      const headers = { authorization: basic(account, password) };
      const answer = await site.api.client.ask({ path: "/auth/token?offline_token=true", headers });
      expect(answer.status).toBe(200);
      return ANSWER.parse(answer.json()).refresh_token;
    };
    expect(await refreshTokenOf("carol", "anything")).toBeUndefined();
    expect(await refreshTokenOf("bob", "bob's")).toMatch(/^lsr_/);
  });
});

describe("the time of a refusal", () => {
  it("doesn't tell whether an account exists, whatever its own hash costs", async () => {
    const users = { cheap: { password: hash("a password", 4) }, dear: { password: hash("a password", 8) } };
    const timed = own(
      await startAuthority({ ...SETTINGS, tokenserver: { ...SETTINGS.tokenserver, local: { users, workers: 1 } } }),
    );
    const ask = async (account: string): Promise<number> => {
      const start = performance.now();
      const headers = { authorization: basic(account, "wrong") };
      expect((await timed.api.client.ask({ path: "/auth/token", headers })).status).toBe(401);
      return performance.now() - start;
    };
    for (let warm = 0; warm < 5; warm += 1) await ask("cheap");
    const times = { cheap: [] as number[], dear: [] as number[], unknown: [] as number[] };
    const accounts = ["cheap", "dear", "unknown"] as const;
    for (let round = 0; round < 30; round += 1) {
      // Each order as often as the others: what one request leaves behind falls on all alike.
      const order = [0, 1, 2].map((place) => accounts[(place * (round % 2 === 0 ? 1 : 2) + round) % 3] ?? "unknown");
      for (const account of order) times[account].push(await ask(account));
    }
    expect(Math.abs(rankScore(times.cheap, times.unknown))).toBeLessThan(4.5);
    expect(Math.abs(rankScore(times.dear, times.unknown))).toBeLessThan(4.5);
  });
});

/**
 * By how many standard deviations the ranks of `one` differ from those of `other`, as Mann and Whitney have it: no assumption about
 * the times themselves. Beyond 4.5 by chance once in more than a hundred thousand runs.
 */
function rankScore(one: readonly number[], other: readonly number[]): number {
  const wins = one.reduce((sum, mine) => sum + other.filter((theirs) => mine < theirs).length, 0);
  const [n, m] = [one.length, other.length];
  return (wins - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
}
