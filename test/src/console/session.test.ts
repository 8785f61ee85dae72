import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient, type Answer, type Ask, type HttpClient } from "@longshore/testkit/http-client";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { basic, passwordLine } from "../auth/support.js";

const SESSION = "/_console/session";
/** As a browser sends them from the console's page. */
const OWN = { "sec-fetch-site": "same-origin", "longshore-console": "1" };

const RULES = [
  { name: "admin", type: "registry", action: ["*"] },
  { name: "reader", type: "repository", repository: "team/*", action: ["pull"] },
  { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
];

function logIn(client: HttpClient, account: string, password: string, more: Ask["headers"] = OWN): Promise<Answer> {
  const headers = { "content-type": "application/json", ...more };
  return client.ask({ method: "POST", path: SESSION, headers, body: JSON.stringify({ account, password }) });
}

function cookieOf({ headers }: Answer): string {
  return headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "";
}

describe("a session, over two workers", () => {
  let folder: TemporaryFolder;
  let passwords: string;
  let registry: RunningRegistry;
  let client: HttpClient;
  let cookie: string;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("console");
    passwords = `${folder.path}/htpasswd`;
    await writeFile(passwords, passwordLine("admin", "secret") + passwordLine("reader", "secret"));
    registry = await startRegistry({
      config: { auth: { htpasswd: { realm: "r", path: passwords } }, access: RULES, http: { workers: 2 } },
    });
    // A connection for each request, which any worker may accept.
    client = createHttpClient(registry.url, { keepAlive: false });
    const admin = createHttpClient(registry.url, { headers: { authorization: basic("admin", "secret") } });
    await pushImage(admin, "team/app", "1");
    await pushImage(admin, "public/app", "1");
    admin.close();
    const answer = await logIn(client, "reader", "secret");
    expect(answer.status).toBe(204);
    cookie = cookieOf(answer);
  });
  afterAll(async () => {
    client.close();
    await registry[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const pull = (headers: Ask["headers"], path = "/v2/team/app/manifests/1") =>
    client.ask({ path, headers: headers ?? {} });
  const show = async (headers: Ask["headers"]): Promise<unknown> => {
    const answer = await client.ask({ path: SESSION, headers: headers ?? {} });
    expect(answer.status).toBe(200);
    return answer.json();
  };

  it("says who looks at the page and what they may do", async () => {
    expect(await show({ ...OWN, cookie })).toMatchObject({
      account: "reader",
      logins: [{ kind: "password" }],
      anonymous: true,
      rights: { catalog: false, maintenance: false },
      address: registry.url,
      host: new URL(registry.url).host,
      root: "",
      version: "0.1.0",
      features: { deletion: true, inventory: true, maintenance: true, tokens: false },
    });
    const admin = cookieOf(await logIn(client, "admin", "secret"));
    expect(await show({ ...OWN, cookie: admin })).toMatchObject({ account: "admin", rights: { maintenance: true } });
    const anonymous = await show(OWN);
    expect(anonymous).toMatchObject({ account: null, rights: { catalog: false }, version: "" });
  });

  it("stands for its account in requests of the page, and shows nothing that could run there", async () => {
    const answer = await pull({ ...OWN, cookie });
    expect(answer.status).toBe(200);
    expect(answer.headers["content-security-policy"]).toBe("sandbox; default-src 'none'");
    expect((await pull({ ...OWN, cookie }, "/v2/other/manifests/1")).status).toBe(403);
    expect((await pull(OWN, "/v2/public/app/manifests/1")).status).toBe(200);
    expect((await pull(OWN)).status).toBe(401);
  });

  it("never makes the browser ask for a password itself", async () => {
    const answer = await pull(OWN);
    expect(answer.headers["www-authenticate"]).toMatch(/^Longshore-Console /);
    expect((await pull({})).headers["www-authenticate"]).toMatch(/^Bearer /);
    expect((await logIn(client, "reader", "wrong")).headers["www-authenticate"]).toMatch(/^Longshore-Console /);
  });

  it("holds nothing that tells the password or the account, and no script can read it", async () => {
    const answer = await logIn(client, "reader", "secret");
    const [line = ""] = answer.headers["set-cookie"] ?? [];
    expect(line).toMatch(/^longshore-session=s1\.[\w-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    const bytes = Buffer.from(line.split(/[.;]/)[1] ?? "", "base64url").toString("latin1");
    expect(bytes).not.toMatch(/reader|secret/);
    expect(cookieOf(answer)).not.toBe(cookie);
  });

  it.each([
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["another host of the same domain", { "sec-fetch-site": "same-site", origin: "http://evil.127.0.0.1" }],
    ["a typed address", { "sec-fetch-site": "none" }],
    ["another site, whose header got through", { "sec-fetch-site": "cross-site", "longshore-console": "1" }],
    ["two values", { "sec-fetch-site": "same-origin, cross-site" }],
    ["a browser over plain HTTP: a form", { origin: "http://evil.example" }],
    ["a browser over plain HTTP: an image", {}],
    [
      "a browser over plain HTTP with our header, from elsewhere",
      { "longshore-console": "1", origin: "http://evil.example" },
    ],
    ["a sandboxed frame", { "longshore-console": "1", origin: "null" }],
  ])("is ignored in a request from %s", async (_, headers) => {
    const seen = await pull({ ...headers, cookie });
    expect(seen.status).toBe(401);
    expect(await show({ ...headers, cookie })).toMatchObject({ account: null });
    expect((await logIn(client, "reader", "secret", headers)).status).toBe(403);
    const out = await client.ask({ method: "DELETE", path: SESSION, headers: { ...headers, cookie } });
    expect(out.status).toBe(403);
    expect((await pull({ ...OWN, cookie })).status).toBe(200);
  });

  it("is known over plain HTTP by the page's own header, and by its origin where there is one", async () => {
    expect((await pull({ "longshore-console": "1", cookie })).status).toBe(200);
    expect((await pull({ "longshore-console": "1", origin: registry.url, cookie })).status).toBe(200);
  });

  it.each([
    ["cut", (text: string) => text.slice(0, -4)],
    ["changed", (text: string) => text.replace(/.(?=.{8}$)/, (letter) => (letter === "A" ? "B" : "A"))],
    ["of another form", (text: string) => text.replace("s1.", "s2.")],
    ["spelled otherwise", (text: string) => `${text}=`],
    ["sent twice", (text: string) => `${text}; ${text}`],
    ["empty", () => "longshore-session="],
    ["long", (text: string) => text + "A".repeat(8000)],
  ])("that is %s is none", async (_, change) => {
    expect((await pull({ ...OWN, cookie: change(cookie) })).status).toBe(401);
    expect(await show({ ...OWN, cookie: change(cookie) })).toMatchObject({ account: null });
  });

  it.each([
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, "account=reader&password=secret"],
    ["text", { "content-type": "text/plain" }, '{"account":"reader","password":"secret"}'],
    [
      "more than it is",
      { "content-type": "application/json" },
      '{"account":"reader","password":"secret","admin":true}',
    ],
    ["no JSON", { "content-type": "application/json" }, "{"],
  ])("doesn't begin with %s", async (_, headers, body) => {
    const answer = await client.ask({ method: "POST", path: SESSION, headers: { ...OWN, ...headers }, body });
    expect([400, 415]).toContain(answer.status);
    expect(answer.headers["set-cookie"]).toBeUndefined();
  });

  it("that a browser brings along isn't used for the next login, and ends with it", async () => {
    const first = cookieOf(await logIn(client, "reader", "secret"));
    const second = cookieOf(await logIn(client, "reader", "secret", { ...OWN, cookie: first }));
    expect(second).not.toBe(first);
    expect((await pull({ ...OWN, cookie: first })).status).toBe(401);
    expect((await pull({ ...OWN, cookie: second })).status).toBe(200);
  });

  it("is over on every worker once the log-out is answered", async () => {
    const own = cookieOf(await logIn(client, "reader", "secret"));
    const answer = await client.ask({ method: "DELETE", path: SESSION, headers: { ...OWN, cookie: own } });
    expect(answer.status).toBe(204);
    expect(answer.headers["set-cookie"]?.[0]).toMatch(/^longshore-session=; Path=\/; Max-Age=0;/);
    const later = await Promise.all(Array.from({ length: 8 }, () => pull({ ...OWN, cookie: own })));
    expect(later.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 401));
  });

  it("ends with the account's password", async () => {
    const own = cookieOf(await logIn(client, "admin", "secret"));
    expect((await pull({ ...OWN, cookie: own })).status).toBe(200);
    await writeFile(passwords, passwordLine("admin", "another") + passwordLine("reader", "secret"));
    await expect.poll(async () => (await pull({ ...OWN, cookie: own })).status, { timeout: 5000 }).toBe(401);
  });
});
