import { formatBasic } from "@longshore/base/basic";
import { describe, expect, onTestFinished, test } from "vitest";
import { loginContext } from "../support.js";
import { servePages } from "../pages-server.js";
import { openSite, person, type TestSite } from "./site.js";

interface Api {
  readonly site: TestSite;
  readonly ask: (
    method: string,
    path: string,
    login?: readonly [user: string, password: string],
    body?: unknown,
    type?: string,
  ) => Promise<{ readonly status: number; readonly body: Record<string, unknown>; readonly challenge: string | null }>;
}

async function openApi(): Promise<Api> {
  const site = await openSite({ options: { maxlifetime: "8760h" } });
  site.people.set("ann", person("ann"));
  site.people.set("bob", person("bob"));
  site.people.set("root", person("root"));
  site.admins.add("root");
  const listening = await servePages(site.source.pages ?? []);
  onTestFinished(async () => {
    await listening.close();
    await site.source.close();
  });
  return {
    site,
    async ask(method, path, login, body, type = "application/json") {
      const response = await fetch(listening.url + path, {
        method,
        headers: {
          ...(login === undefined ? {} : { authorization: formatBasic({ user: login[0], password: login[1] }) }),
          ...(body === undefined ? {} : { "content-type": type }),
        },
        body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
      });
      const text = await response.text();
      const parsed: unknown = text.startsWith("{") ? JSON.parse(text) : { text };
      return {
        status: response.status,
        body: parsed as Record<string, unknown>,
        challenge: response.headers.get("www-authenticate"),
      };
    },
  };
}

const ANN = ["ann", "ann"] as const;
const BOB = ["bob", "bob"] as const;
const ROOT = ["root", "root"] as const;

describe("the API of personal access tokens", () => {
  test("creates, lists, shows and revokes one's own", async () => {
    const { site, ask } = await openApi();
    const wish = { name: "laptop", scopes: ["repository:team/*:pull"], expires: "30d" };
    const created = await ask("POST", "/auth/tokens", ANN, wish);
    expect(created).toMatchObject({
      status: 201,
      body: {
        account: "ann",
        name: "laptop",
        robot: false,
        scopes: ["repository:team/*:pull"],
        created_by: "ann",
        source: "people",
      },
    });
    const token = String(created.body["token"]);
    const id = String(created.body["id"]);
    expect(await site.source.verify({ account: "x", password: token }, loginContext())).toMatchObject({
      outcome: "identified",
    });
    const { body } = await ask("GET", "/auth/tokens", ANN);
    expect(body).toMatchObject({ tokens: [{ id, name: "laptop" }] });
    expect(JSON.stringify(body)).not.toContain(token);
    expect(await ask("GET", `/auth/tokens/${id}`, ANN)).toMatchObject({ status: 200, body: { id } });
    expect(await ask("DELETE", `/auth/tokens/${id}`, ANN)).toMatchObject({ status: 204 });
    // At once in the process that was asked.
    expect(await site.source.verify({ account: "x", password: token }, loginContext())).toMatchObject({
      outcome: "failed",
    });
    expect(await ask("GET", "/auth/tokens", ANN)).toMatchObject({ body: { tokens: [] } });
    expect(await ask("DELETE", `/auth/tokens/${id}`, ANN)).toMatchObject({ status: 404 });
  });

  test("lists what can be read beside a damaged record, names that one, and lets administrators revoke it", async () => {
    const { site, ask } = await openApi();
    const ids: string[] = [];
    for (const name of ["one", "two"]) ids.push(String((await ask("POST", "/auth/tokens", ANN, { name })).body["id"]));
    const [bad = "", good = ""] = ids;
    const record = `token-server/personal-tokens/${bad}`;
    const { version = "" } = (await site.ports.records.read(record)) ?? {};
    await site.ports.records.replace(record, Buffer.from('{"version":99}'), version);
    for (const [where, who] of [
      ["/auth/tokens", ANN],
      ["/auth/tokens?all=true", ROOT],
    ] as const) {
      const { status, body } = await ask("GET", where, who);
      expect(status).toBe(200);
      expect(body).toMatchObject({ tokens: [{ id: good }], damaged: [bad] });
    }
    expect((await ask("GET", `/auth/tokens/${bad}`, ANN)).status).toBe(404);
    expect(await ask("GET", `/auth/tokens/${bad}`, ROOT)).toMatchObject({ body: { id: bad, damaged: true } });
    expect((await ask("DELETE", `/auth/tokens/${bad}`, ROOT)).status).toBe(204);
    expect((await ask("GET", "/auth/tokens", ANN)).body).not.toHaveProperty("damaged");
  });

  test("wants a source that is there", async () => {
    const { ask } = await openApi();
    const wish = { account: "ann", source: "poeple" };
    const answer = await ask("POST", "/auth/tokens", ROOT, wish);
    expect(answer.status).toBe(400);
    expect((await ask("POST", "/auth/tokens", ROOT, { ...wish, source: "people" })).status).toBe(201);
  });

  test("wants a login", async () => {
    const { ask } = await openApi();
    expect((await ask("GET", "/auth/tokens")).status).toBe(401);
    expect((await ask("GET", "/auth/tokens", ["ann", "wrong"])).status).toBe(401);
    expect((await ask("GET", "/auth/tokens", ["nobody", "x"])).status).toBe(401);
  });

  test("keeps others' tokens from everybody but administrators", async () => {
    const { ask } = await openApi();
    const { body } = await ask("POST", "/auth/tokens", ANN, {});
    const path = `/auth/tokens/${String(body["id"])}`;
    for (const [method, where] of [
      ["GET", path],
      ["DELETE", path],
    ] as const) {
      expect((await ask(method, where, BOB)).status).toBe(404);
    }
    for (const where of ["/auth/tokens?account=ann", "/auth/tokens?all=true"]) {
      expect((await ask("GET", where, BOB)).status).toBe(403);
      expect(await ask("GET", where, ROOT)).toMatchObject({ status: 200, body: { tokens: [{ account: "ann" }] } });
    }
    expect((await ask("POST", "/auth/tokens", BOB, { account: "ann" })).status).toBe(403);
    expect((await ask("POST", "/auth/tokens", BOB, { robot: "ci" })).status).toBe(403);
    expect((await ask("DELETE", path, ROOT)).status).toBe(204);
  });

  test("lets administrators create robots", async () => {
    const { site, ask } = await openApi();
    const wish = { robot: "ci", labels: { team: ["web"] }, expires: "never" };
    const created = await ask("POST", "/auth/tokens", ROOT, wish);
    expect(created).toMatchObject({
      status: 201,
      body: { account: "robot/ci", robot: true, expires_at: null, created_by: "root" },
    });
    expect(
      await site.source.verify({ account: "x", password: String(created.body["token"]) }, loginContext()),
    ).toMatchObject({
      identity: { account: "robot/ci", labels: new Map([["team", ["web"]]]) },
    });
  });

  test("lets nobody choose labels or a source for themselves", async () => {
    const { ask } = await openApi();
    for (const wish of [{ labels: { group: ["admins"] } }, { source: "elsewhere" }, { account: "ann", labels: {} }]) {
      expect((await ask("POST", "/auth/tokens", ANN, wish)).status).toBe(400);
    }
  });

  test("creates no token for a token, which could outlive it or be for more", async () => {
    const { ask } = await openApi();
    const full = String((await ask("POST", "/auth/tokens", ROOT, {})).body["token"]);
    const narrow = String((await ask("POST", "/auth/tokens", ROOT, { scopes: ["repository:a:pull"] })).body["token"]);
    expect((await ask("POST", "/auth/tokens", ["x", full], {})).status).toBe(403);
    expect((await ask("GET", "/auth/tokens", ["x", full])).status).toBe(200);
    for (const path of ["/auth/tokens", "/auth/tokens?all=true"])
      expect((await ask("GET", path, ["x", narrow])).status).toBe(403);
  });

  test.each<[string, unknown, string | undefined]>([
    ["no JSON", "name=x", "application/x-www-form-urlencoded"],
    ["a form that says it is text", '{"name":"x"}', "text/plain"],
    ["broken JSON", "{", undefined],
    ["an unknown key", { nam: "x" }, undefined],
    ["a number", { name: 1 }, undefined],
    ["a scope that is none", { scopes: ["all"] }, undefined],
    ["a lifetime beyond the limit", { expires: "never" }, undefined],
  ])("refuses %s", async (_name, body, type) => {
    const { ask } = await openApi();
    expect((await ask("POST", "/auth/tokens", ANN, body, type)).status).toBe(400);
  });

  test("has no tokens by other names", async () => {
    const { ask } = await openApi();
    for (const id of ["x", "..", "%2e%2e", "0".repeat(20), "..%2f..%2fsigning-keys"]) {
      expect((await ask("GET", `/auth/tokens/${id}`, ROOT)).status).toBe(404);
    }
  });

  test("leaves no token in the log", async () => {
    const { site, ask } = await openApi();
    const { body } = await ask("POST", "/auth/tokens", ANN, {});
    expect(site.ports.log.lines.join()).toContain(String(body["id"]));
    expect(site.ports.log.lines.join()).not.toContain("lspat_");
  });
});
