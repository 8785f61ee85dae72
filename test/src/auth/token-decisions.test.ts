import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { contentOf, digestOf, pushBlob } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { serveHttp, type Listening } from "@longshore/testkit/loopback";
import { run } from "@longshore/testkit/processes";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { askPort, auditLines, basic, tokenIn, type AuthAnswer } from "./support.js";

const PROGRAM = fileURLToPath(new URL("../../../packages/registry/bin/registry.js", import.meta.url));

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ALICE = basic("alice", "secret");

let registry: ServedRegistry;
let issuer: Listening;
let hook: Listening;
let idToken: string;

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", use: "sig", alg: "RS256" };
  issuer = await serveHttp((request, response) => {
    const document = request.url === "/jwks" ? { keys: [jwk] } : { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` };
    response.end(JSON.stringify(document));
  });
  hook = await serveHttp((request, response) => {
    request.resume();
    response.end('{"labels": {"groups": ["ops"]}}');
  });
  idToken = await new SignJWT({ iss: issuer.url, aud: "registry", sub: "ci", exp: Math.floor(Date.now() / 1000) + 300 })
    .setProtectedHeader({ alg: "RS256", kid: "one" })
    .sign(privateKey);
  registry = await serveRegistry({
    http: { workers: 2 },
    rest: {
      log: { audit: { target: "FOLDER/audit.log" } },
      tokenserver: {
        failuredelay: 0,
        local: { users: { alice: { password: HASH } } },
        personal: {},
        oidc: {
          issuers: [
            { issuer: issuer.url, audience: "registry", rules: [{ account: "ci/${sub}", claims: { sub: "ci" } }] },
          ],
        },
        hook: { url: hook.url },
      },
      access: [
        { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
        { match: { account: "/^(alice|robot/.*)$/", name: "team/*" }, actions: ["pull", "push"] },
        { match: { account: "alice", type: "registry" }, actions: ["*"] },
        { match: { account: "ci/*", name: "ci/*" }, actions: ["pull"] },
        { match: { labels: { groups: "ops" }, name: "ops/*" }, actions: ["pull"] },
      ],
    },
  });
});

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await issuer.close();
  await hook.close();
});

function ask(path: string, authorization?: string, method = "GET"): Promise<AuthAnswer> {
  return askPort(registry.port, { method, path, headers: authorization === undefined ? {} : { authorization } });
}

function askToken(scope: string, authorization?: string): Promise<AuthAnswer> {
  return ask(`/auth/token?service=registry&scope=${encodeURIComponent(scope)}`, authorization);
}

function post(form: Readonly<Record<string, string>>): Promise<AuthAnswer> {
  return askPort(registry.port, {
    method: "POST",
    path: "/auth/token",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ service: "registry", ...form }).toString(),
  });
}

async function command(...words: readonly string[]): Promise<string> {
  const [first = "", second = "", ...rest] = words;
  const all = [PROGRAM, first, second, join(registry.folder, "config.yml"), ...rest];
  return (await run(process.execPath, all)).stdout.trim();
}

/** What the audit log says that was added while `work` ran, as soon as `count` lines are there. */
async function audited(count: number, work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const path = `${registry.folder}/audit.log`;
  const seen = new Set((await auditLines(path)).map(({ request }) => request));
  await work();
  const added = async () => (await auditLines(path)).filter(({ request }) => !seen.has(request));
  await expect.poll(added).toHaveLength(count);
  return added();
}

describe("the audit log of a token server", () => {
  const here = { action: "token", remote: "127.0.0.1", method: "GET", status: 200 };

  it("says who asked for what and got it, by which source and rule", async () => {
    const [granted] = await audited(1, () => askToken("repository:team/a:pull,push", ALICE));
    expect(granted).toMatchObject({
      ...here,
      outcome: "allowed",
      account: "alice",
      login: "password",
      source: "local",
      rules: ["access[1]"],
      asked: ["repository:team/a:pull", "repository:team/a:push"],
      granted: ["repository:team/a:pull", "repository:team/a:push"],
    });
    const scope = "repository:team/a:pull,delete repository:secret:pull";
    const [partly] = await audited(1, () => askToken(scope, ALICE));
    expect(partly).toMatchObject({
      outcome: "allowed",
      rules: ["access[1]", "no rule"],
      asked: ["repository:team/a:delete", "repository:team/a:pull", "repository:secret:pull"],
      granted: ["repository:team/a:pull"],
    });
    const [anonymous] = await audited(1, () => askToken("repository:public/a:pull"));
    expect(anonymous).toMatchObject({ ...here, account: "", login: "anonymous", rules: ["access[0]"] });
    expect(anonymous).not.toHaveProperty("source");
  });

  it("says whose login was refused, by which source, and what it had asked for", async () => {
    const [refused] = await audited(1, () => askToken("repository:team/a:pull", basic("alice", "wrong")));
    expect(refused).toMatchObject({
      ...here,
      status: 401,
      outcome: "failed-login",
      account: "alice",
      source: "local",
      login: "password",
      asked: ["repository:team/a:pull"],
    });
  });

  it("tells refresh tokens and exchanges from passwords", async () => {
    const form = { grant_type: "password", username: "alice", password: "secret", access_type: "offline" };
    let login = "";
    await audited(1, async () => (login = (await post({ ...form, scope: "repository:team/a:pull" })).text));
    const { refresh_token: refresh } = z.looseObject({ refresh_token: z.string() }).parse(JSON.parse(login));
    const renewal = { grant_type: "refresh_token", scope: "repository:team/a:pull" };
    const [renewed] = await audited(1, () => post({ ...renewal, refresh_token: refresh }));
    const same = { login: "refresh_token", asked: ["repository:team/a:pull"], method: "POST" };
    expect(renewed).toMatchObject({ ...same, outcome: "allowed", account: "alice", source: "local" });
    const [forged] = await audited(1, () => post({ ...renewal, refresh_token: "lsr_x.y" }));
    expect(forged).toMatchObject({ ...same, outcome: "failed-login", status: 401 });
    const exchange = {
      grant_type: EXCHANGE,
      subject_token: idToken,
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      scope: "repository:ci/a:pull",
    };
    const [exchanged] = await audited(1, () => post(exchange));
    const byExchange = { login: EXCHANGE, source: "oidc", asked: ["repository:ci/a:pull"] };
    expect(exchanged).toMatchObject({ ...byExchange, account: "ci/ci", outcome: "allowed", rules: ["access[3]"] });
    const [replayed] = await audited(1, () => post({ ...exchange, subject_token: `${idToken}x` }));
    expect(replayed).toMatchObject({ ...byExchange, outcome: "failed-login" });
    expect(JSON.stringify(await auditLines(`${registry.folder}/audit.log`))).not.toMatch(/lsr_|eyJ|"secret"/);
  });

  it("has a line for a mount that is refused, although the upload in its place goes on", async () => {
    const digest = digestOf("a layer");
    const lines = await audited(2, async () => {
      const token = tokenIn((await askToken("repository:team/a:pull,push", ALICE)).text);
      const path = `/v2/team/a/blobs/uploads/?mount=${digest}&from=secret/b`;
      expect((await ask(path, `Bearer ${token}`, "POST")).status).toBe(202);
    });
    const line = lines.find(({ action }) => action !== "token");
    const subject = { repository: "team/a", from: "secret/b", digest, account: "alice" };
    expect(line).toMatchObject({ action: "mount", outcome: "denied", status: 202, ...subject });
  });

  it("has who creates, lists and revokes personal access tokens", async () => {
    const headers = { authorization: ALICE, "content-type": "application/json" };
    const [created] = await audited(1, () =>
      askPort(registry.port, { method: "POST", path: "/auth/tokens", headers, body: '{"robot":"x"}' }),
    );
    const { token } = z.looseObject({ token: z.string() }).parse(created);
    const common = { action: "tokens", account: "alice", source: "local", outcome: "allowed" };
    expect(created).toMatchObject({ ...common, method: "POST", status: 201 });
    const [revoked] = await audited(1, () => ask(`/auth/tokens/${token}`, ALICE, "DELETE"));
    expect(revoked).toMatchObject({ ...common, method: "DELETE", status: 204, token });
    const [wrong] = await audited(1, () => ask("/auth/tokens", basic("alice", "wrong")));
    expect(wrong).toMatchObject({ action: "tokens", outcome: "failed-login", account: "alice", status: 401 });
  });
});

describe("a password on the API itself, without a token", () => {
  it("is good for what a token for it would be, and the audit says by what", async () => {
    const [login] = await audited(1, () => ask("/v2/", ALICE));
    expect(login).toMatchObject({ action: "login", account: "alice", source: "local", status: 200 });
    const [allowed] = await audited(1, () => ask("/v2/team/a/tags/list", ALICE));
    expect(allowed).toMatchObject({ action: "list", source: "local", rules: ["access[1]"], status: 404 });
    const [denied] = await audited(1, async () => {
      const answer = await ask("/v2/secret/tags/list", ALICE);
      expect(answer.status).toBe(403);
      expect(answer.text).toContain("pull of repository secret");
    });
    expect(denied).toMatchObject({ outcome: "denied", account: "alice", source: "local", rules: ["no rule"] });
  });

  it("is challenged for a token if it is wrong, empty or missing", async () => {
    for (const authorization of [basic("alice", "wrong"), basic("", ""), "Basic !!!", undefined]) {
      const answer = await ask("/v2/", authorization);
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm=/);
    }
  });

  it("may be a personal access token, within its scopes, with any user name, until it is revoked", async () => {
    const token = await command("token", "create", "--robot", "curl", "--scope", "repository:team/*:pull,push");
    const robot = basic("anything", token);
    using client = disposable(createHttpClient(`http://127.0.0.1:${registry.port}`));
    const blob = contentOf("pushed with Basic");
    await pushBlob(
      { ...client, ask: (one) => client.ask({ ...one, headers: { authorization: robot, ...one.headers } }) },
      "team/a",
      blob,
    );
    expect((await ask(`/v2/team/a/blobs/${blob.digest}`, robot)).status).toBe(200);
    expect((await ask("/v2/ops/a/tags/list", robot)).status).toBe(403);
    const { id } = z.looseObject({ id: z.string() }).parse(JSON.parse(await command("token", "list", "--json")));
    expect(await statuses(() => ask("/v2/", robot))).toEqual(new Set([200]));
    await command("token", "revoke", "--id", id);
    await delay(PROMISED);
    expect(await statuses(() => ask("/v2/", robot))).toEqual(new Set([401]));
  });
});

/** What every process is promised to know of a revocation after (ms). */
const PROMISED = 1000;

/** Connections of their own: both processes answer some. */
async function statuses(ask: () => Promise<AuthAnswer>): Promise<ReadonlySet<number>> {
  return new Set((await Promise.all(Array.from({ length: 16 }, ask))).map(({ status }) => status));
}

describe("a refresh token", () => {
  it("ends in every process within a second when its account's logins are revoked, and a later one is good", async () => {
    const logIn = async (): Promise<() => Promise<AuthAnswer>> => {
      const form = { grant_type: "password", username: "alice", password: "secret", access_type: "offline" };
      const { text } = await post(form);
      const { refresh_token: refresh } = z.looseObject({ refresh_token: z.string() }).parse(JSON.parse(text));
      return () => post({ grant_type: "refresh_token", refresh_token: refresh });
    };
    const renew = await logIn();
    expect(await statuses(renew)).toEqual(new Set([200]));
    await command("logins", "revoke", "--account", "alice");
    await delay(PROMISED);
    expect(await statuses(renew)).toEqual(new Set([401]));
    expect(await statuses(await logIn())).toEqual(new Set([200]));
  });
});

function disposable<T extends { close(): void }>(value: T): T & Disposable {
  return { ...value, [Symbol.dispose]: () => value.close() };
}

describe("a pull secret of Kubernetes", () => {
  /** What containerd does with the user name and password of a pull secret. */
  async function pull(username: string, password: string, repository: string): Promise<number> {
    const scope = `repository:${repository}:pull`;
    const client = { client_id: "containerd-client", grant_type: "password" };
    const answer = await post({ ...client, username, password, scope });
    if (answer.status !== 200) return answer.status;
    const path = `/v2/${repository}/manifests/1`;
    return (await ask(path, `Bearer ${tokenIn(answer.text)}`)).status;
  }

  it("holds a robot's token, or an ID token with whatever user name", async () => {
    const robot = await command("token", "create", "--robot", "k8s", "--scope", "repository:team/*:pull");
    expect(await pull("robot", robot, "team/app")).toBe(404);
    expect(await pull("robot", robot, "ops/app")).toBe(401);
    expect(await pull("k8s", idToken, "ci/app")).toBe(404);
    expect(await pull("k8s", `${idToken.slice(0, -4)}AAAA`, "ci/app")).toBe(401);
  });
});

describe("an account of a source that can't look accounts up", () => {
  it("gets no refresh token, and its labels whenever it shows its password", async () => {
    const form = { grant_type: "password", username: "olga", password: "any", access_type: "offline" };
    const answer = await post({ ...form, scope: "repository:ops/a:pull" });
    const document = z.looseObject({ scope: z.string() }).parse(JSON.parse(answer.text));
    expect(document.scope).toBe("repository:ops/a:pull");
    expect(document).not.toHaveProperty("refresh_token");
  });
});

it("names every grant of its endpoint in the discovery document", async () => {
  const document = z
    .looseObject({ grant_types_supported: z.array(z.string()) })
    .parse(JSON.parse((await ask("/.well-known/openid-configuration")).text));
  expect(document.grant_types_supported).toEqual(["password", "refresh_token", EXCHANGE]);
});

it("creates no token for a source that isn't there", async () => {
  await expect(command("token", "create", "--account", "ann", "--source", "ldpa")).rejects.toThrow(
    /there is no source .*ldpa.* of accounts: configured are oidc, local, hook/,
  );
});
