import { startGitHub, type GitHubStandIn } from "@longshore/testkit/github";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { askPort, basic, type AuthAnswer, type AuthAsk } from "../auth/support.js";
import { serveRegistry, type ServedRegistry } from "../server/process.js";

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";
const SESSION = "/_console/session";
/** As a browser sends them from the console's page. */
const OWN = { "sec-fetch-site": "same-origin", "longshore-console": "1" };
const JSON_BODY = { "content-type": "application/json" };
const TOKEN = z.looseObject({ id: z.string(), token: z.string() });

describe("the console of a registry with a token server", () => {
  let github: GitHubStandIn;
  let registry: ServedRegistry;

  beforeAll(async () => {
    github = await startGitHub();
    const { url } = github.listening;
    const client = { clientid: "c", clientsecret: "shh", organizations: ["acme"], weburi: url, apiuri: url };
    registry = await serveRegistry({
      http: { workers: 2 },
      rest: {
        access: [
          { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
          { name: "alice", type: "registry", action: ["*"] },
          { match: { account: "bob", name: "team/*" }, actions: ["pull", "push"] },
          { match: { labels: { teams: "developers" }, name: "team/*" }, actions: ["pull"] },
        ],
        tokenserver: {
          service: "registry",
          local: { users: { alice: { password: HASH }, bob: { password: HASH } } },
          personal: {},
          login: { github: client },
        },
      },
    });
    for (const name of ["team/app", "public/app", "other/app"]) await push(name);
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await github.listening.close();
  });

  const ask = (request: AuthAsk): Promise<AuthAnswer> => askPort(registry.port, request);

  async function push(name: string): Promise<void> {
    const headers = { authorization: basic("alice", "secret") };
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [],
    });
    const type = { "content-type": "application/vnd.oci.image.index.v1+json" };
    const path = `/v2/${name}/manifests/1`;
    const answer = await ask({ method: "PUT", path, headers: { ...headers, ...type }, body: manifest });
    expect(answer.status, answer.text).toBe(201);
  }

  function cookieOf({ headers }: AuthAnswer): string {
    const lines = headers["set-cookie"] ?? [];
    return lines.find((line) => line.startsWith("longshore-session="))?.split(";", 1)[0] ?? "";
  }

  async function logIn(account: string, password: string): Promise<string> {
    const body = JSON.stringify({ account, password });
    const answer = await ask({ method: "POST", path: SESSION, headers: { ...OWN, ...JSON_BODY }, body });
    expect(answer.status, answer.text).toBe(204);
    return cookieOf(answer);
  }

  const show = async (cookie?: string): Promise<unknown> =>
    JSON.parse((await ask({ path: SESSION, headers: { ...OWN, ...(cookie === undefined ? {} : { cookie }) } })).text);
  const statusOf = async (path: string, headers: Readonly<Record<string, string>>): Promise<number> =>
    (await ask({ path, headers })).status;
  async function listed(cookie?: string): Promise<readonly string[]> {
    const path = "/v2/_longshore/catalog/repositories";
    const answer = await ask({ path, headers: { ...OWN, ...(cookie === undefined ? {} : { cookie }) } });
    expect(answer.status, answer.text).toBe(200);
    const { repositories } = z
      .looseObject({ repositories: z.array(z.looseObject({ name: z.string() })) })
      .parse(JSON.parse(answer.text));
    return repositories.map(({ name }) => name);
  }

  it("takes passwords of its sources, and decides as on a token for them", async () => {
    const bob = await logIn("bob", "secret");
    expect(await show(bob)).toMatchObject({
      account: "bob",
      logins: [
        { kind: "password" },
        { kind: "provider", name: "github", title: "GitHub", path: "/auth/login/github?browser=true" },
      ],
      anonymous: true,
      rights: { catalog: false, maintenance: false, tokens: false },
      features: { tokens: true },
    });
    expect(await show(await logIn("alice", "secret"))).toMatchObject({
      account: "alice",
      rights: { catalog: true, maintenance: true },
    });
    expect(await statusOf("/v2/team/app/manifests/1", { ...OWN, cookie: bob })).toBe(200);
    expect(await statusOf("/v2/other/app/manifests/1", { ...OWN, cookie: bob })).toBe(403);
    expect(await statusOf("/v2/team/app/manifests/1", { cookie: bob })).toBe(401);
    expect(await statusOf("/v2/team/app/manifests/1", OWN)).toBe(401);
    expect(await statusOf("/v2/public/app/manifests/1", OWN)).toBe(200);
  });

  it("lists for everybody what they may pull, on the page alone", async () => {
    expect(await listed()).toEqual(["public/app"]);
    expect(await listed(await logIn("bob", "secret"))).toEqual(["public/app", "team/app"]);
    expect(await listed(await logIn("alice", "secret"))).toEqual(["other/app", "public/app", "team/app"]);
    const path = "/v2/_longshore/catalog/repositories";
    expect(await statusOf(path, { authorization: basic("bob", "secret") })).toBe(403);
    expect(await statusOf(path, {})).toBe(401);
    expect(await statusOf(path, { "longshore-console": "1", origin: "http://evil.example" })).toBe(401);
  });

  it("makes, takes and ends personal tokens, within their scopes", async () => {
    const bob = await logIn("bob", "secret");
    const wish = { name: "console", scopes: ["repository:team/app:pull"] };
    const request = { method: "POST", path: "/auth/tokens", body: JSON.stringify(wish) };
    expect((await ask({ ...request, headers: { ...JSON_BODY, cookie: bob } })).status).toBe(401);
    const made = await ask({ ...request, headers: { ...OWN, ...JSON_BODY, cookie: bob } });
    expect(made.status, made.text).toBe(201);
    const { id, token } = TOKEN.parse(JSON.parse(made.text));

    const limited = await logIn("whoever", token);
    expect(await show(limited)).toMatchObject({ account: "bob" });
    expect(await statusOf("/v2/team/app/manifests/1", { ...OWN, cookie: limited })).toBe(200);
    expect((await ask({ ...request, headers: { ...OWN, ...JSON_BODY, cookie: limited } })).status).toBe(403);

    const path = `/auth/tokens/${id}`;
    expect((await ask({ method: "DELETE", path, headers: { ...OWN, cookie: bob } })).status).toBe(204);
    await expect.poll(() => statusOf("/v2/team/app/manifests/1", { ...OWN, cookie: limited })).toBe(401);
    // The other worker has read the token at most half a second before.
    await expect.poll(() => show(limited)).toMatchObject({ account: null });
  });

  it("sends people to a provider, and is what they come back to", async () => {
    const begun = await ask({ path: "/auth/login/github?browser=true" });
    const there = await fetch(String(begun.headers.location), { redirect: "manual" });
    const back = new URL(there.headers.get("location") ?? "");
    const [attempt = ""] = (begun.headers["set-cookie"]?.[0] ?? "").split(";");
    const request = { path: back.pathname + back.search, headers: { cookie: attempt } };
    const done = await ask(request);
    expect([done.status, done.headers.location, done.text]).toEqual([303, `http://127.0.0.1:${registry.port}/`, ""]);
    expect(done.headers["set-cookie"]?.[0]).toMatch(/^longshore-login=; .*Max-Age=0/);
    const cookie = cookieOf(done);
    expect(await show(cookie)).toMatchObject({ logins: [{}, {}], rights: { catalog: false } });
    expect(await show(cookie)).not.toMatchObject({ account: null });
    expect(await listed(cookie)).toEqual(["public/app", "team/app"]);

    const again = await ask(request);
    expect([again.status, cookieOf(again)]).toEqual([403, ""]);
    const stolen = await ask({ path: request.path, headers: { cookie } });
    expect([stolen.status, cookieOf(stolen)]).toEqual([403, ""]);
  });

  it("slows those who guess, as with every login", async () => {
    const body = JSON.stringify({ account: "bob", password: "guess" });
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      statuses.push((await ask({ method: "POST", path: SESSION, headers: { ...OWN, ...JSON_BODY }, body })).status);
    }
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
  });
});
