import { once } from "node:events";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { digestOf } from "@longshore/testkit/fixtures";
import { askPort, auditLines, basic, passwordLine, tokenIn } from "./support.js";

const SECRET = "internal only";
const ADMIN = basic("admin", "admin's");

/** The proxy is in the network that the rule is for, as proxies usually are. */
const RULES = [
  { match: { account: "admin" }, actions: ["*"] },
  { match: { ip: "127.0.0.0/24", name: "internal/*" }, actions: ["pull"] },
  { match: { account: "", name: "public/*" }, actions: ["pull"] },
];

const BLOB = `/v2/internal/x/blobs/${digestOf(SECRET)}`;

let registry: ServedRegistry | undefined;

function served(): ServedRegistry {
  if (registry === undefined) throw new Error("not started");
  return registry;
}

beforeAll(async () => {
  registry = await serveRegistry({
    http: { trustedproxies: ["127.0.0.1"] },
    rest: {
      auth: {
        htpasswd: {
          realm: "Registry",
          path: "FOLDER/htpasswd",
          throttle: { attempts: 2, delay: "60s", maxdelay: "60s" },
        },
      },
      access: RULES,
      log: { level: "info", audit: { target: "FOLDER/audit.log" } },
    },
    files: { htpasswd: passwordLine("admin", "admin's") },
  });
  const path = `/v2/internal/x/blobs/uploads/?digest=${digestOf(SECRET)}`;
  const pushed = await askPort(registry.port, {
    method: "POST",
    path,
    headers: { authorization: ADMIN },
    body: SECRET,
  });
  expect(pushed.status).toBe(201);
});

afterAll(async () => registry?.[Symbol.asyncDispose]());

/** The answer to a request with these header lines, sent as they stand from `from`. */
async function ask(path: string, lines: readonly string[], from = "127.0.0.1"): Promise<string> {
  const socket = connect({ port: served().port, host: "127.0.0.1", localAddress: from });
  await once(socket, "connect");
  socket.write([`GET ${path} HTTP/1.1`, "Host: registry.example", ...lines, "Connection: close", "", ""].join("\r\n"));
  return textOf(socket);
}

const filler = (count: number): string[] => Array.from({ length: count }, (_, index) => `A${index}: `);

describe("a rule for an internal network that the proxy is in", () => {
  it.each([0, 900, 1000, 1100, 1900])("is not open to the world behind %d filler headers", async (count) => {
    expect(await ask(BLOB, [...filler(count), "X-Forwarded-For: 203.0.113.9"])).toMatch(/^HTTP\/1\.1 401 /);
    expect(await ask(BLOB, [...filler(count), "X-Forwarded-For: 127.0.0.77"])).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ["nobody", []],
    ["what is no address", ["X-Forwarded-For: 203.0.113.9, unknown"]],
    ["nothing in an empty header", ["X-Forwarded-For:"]],
    ["two in X-Real-IP", ["X-Real-IP: 127.0.0.9", "X-Real-IP: 203.0.113.9"]],
  ])("is not open where the proxy names %s", async (_, lines) => {
    expect(await ask(BLOB, lines)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("is open to the network itself, without a proxy", async () => {
    expect(await ask(BLOB, [], "127.0.0.2")).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(BLOB, ["X-Forwarded-For: 127.0.0.9"], "127.9.9.9")).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("gives a token that counts in that network only", async () => {
    const question = "/auth/token?service=Registry&scope=repository:internal/x:pull";
    const answer = await ask(question, ["X-Forwarded-For: 127.0.0.77"]);
    const token = `Authorization: Bearer ${tokenIn(answer.slice(answer.indexOf("\r\n\r\n") + 4))}`;
    expect(await ask(BLOB, [token, "X-Forwarded-For: 127.0.0.78"])).toMatch(/^HTTP\/1\.1 200 /);
    for (const lines of [["X-Forwarded-For: 203.0.113.9"], []]) {
      const refused = await ask(BLOB, [token, ...lines]);
      expect(refused).toMatch(/^HTTP\/1\.1 401 /);
      expect(refused).toContain('error="insufficient_scope"');
    }
    expect(await ask(BLOB, [token], "127.9.9.9")).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe("logins through a proxy", () => {
  const bad = `Authorization: ${basic("admin", "wrong")}`;

  it("that names no client are counted separately, and don't delay the proxy's own or a client's", async () => {
    for (let attempt = 0; attempt < 2; attempt += 1) await ask("/v2/", [bad]);
    expect(await ask("/v2/", [bad])).toMatch(/^HTTP\/1\.1 429 /);
    for (const lines of [["X-Forwarded-For: 203.0.113.7"], ["X-Forwarded-For: 127.0.0.1"]]) {
      expect(await ask("/v2/", [`Authorization: ${ADMIN}`, ...lines])).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it("are in the audit log with the client, or as unknown", async () => {
    const [agent] = ["User-Agent: audited"];
    await ask("/v2/", [bad, ...filler(1100), "X-Forwarded-For: 203.0.113.9", agent]);
    await ask("/v2/", [bad, agent]);
    const remotes = async (): Promise<unknown[]> =>
      (await auditLines(`${served().folder}/audit.log`))
        .filter((line) => line["agent"] === "audited")
        .map((line) => line["remote"]);
    await expect.poll(remotes).toEqual(["203.0.113.9", "unknown"]);
  });
});

describe("the realm", () => {
  it.each([
    ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https"],
    ["Forwarded: host=evil.example;proto=https"],
  ])("follows a trusted proxy and nobody else: %j", async (...lines) => {
    const path = "/v2/internal/x/tags/list";
    expect(await ask(path, lines)).toContain('realm="https://evil.example/auth/token"');
    expect(await ask(path, lines, "127.9.9.9")).toContain('realm="http://registry.example/auth/token"');
  });

  it("has no scheme other than http and https", async () => {
    const answer = await ask("/v2/internal/x/tags/list", ["X-Forwarded-Proto: javascript"]);
    expect(answer).toContain('realm="http://registry.example/auth/token"');
  });
});
