import { section } from "@longshore/options/declare";
import { serveHttp } from "@longshore/testkit/loopback";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { decide } from "../../src/rules/decide.js";
import { hookRules } from "../../src/rules/hook/hook-rules-kind.js";
import { openHookRules } from "../../src/rules/hook/hook-rules.js";
import { callOptions } from "../../src/sources/hook/call-options.js";
import { failure } from "../sources/support.js";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function open(
  answer: Answer,
  {
    timeout = 20_000,
    concurrency = 4,
    ...input
  }: Readonly<Record<string, unknown> & { timeout?: number; concurrency?: number }> = {},
) {
  const server = await serveHttp((request, response) => {
    void text(request).then((body) => answer(request, response, body));
  });
  onTestFinished(server.close);
  const parsed = section(callOptions(""), "").parse({ url: `${server.url}/decide?v=1`, ...input });
  const rules = await openHookRules({ ...parsed, timeout, concurrency });
  onTestFinished(() => rules.close());
  return rules;
}

const SUBJECT = { account: "alice", labels: new Map([["groups", ["dev"]]]), ip: "192.0.2.1", service: "registry" };
const WANTED = { type: "repository", name: "a/b", actions: ["push", "pull"] };

const ask = async (rules: Awaited<ReturnType<typeof open>>, signal = new AbortController().signal) =>
  (await rules.decide(SUBJECT, WANTED, signal))?.actions;

describe("an HTTP hook that decides", () => {
  it.each([
    [200, "", ["pull", "push"]],
    [204, "", ["pull", "push"]],
    [200, '{"actions": ["pull"]}', ["pull"]],
    [200, '{"actions": []}', []],
    [200, '{"actions": ["*", "delete"]}', []],
    [403, "", []],
    [404, "", undefined],
  ])("answers %d %s", async (status, body, actions) => {
    expect(await ask(await open((_, response) => void response.writeHead(status).end(body)))).toEqual(actions);
  });

  it("is posted what docker_auth's program reads, with a header of its own", async () => {
    const seen: unknown[] = [];
    const rules = await open(
      ({ method, url, headers }, response, body) => {
        seen.push(method, url, headers.authorization, headers["content-type"], JSON.parse(body));
        response.end();
      },
      { authorization: "Bearer of-the-hook" },
    );
    await ask(rules);
    expect(seen).toEqual([
      "POST",
      "/decide?v=1",
      "Bearer of-the-hook",
      "application/json",
      {
        Account: "alice",
        Type: "repository",
        Name: "a/b",
        Service: "registry",
        IP: "192.0.2.1",
        Actions: ["push", "pull"],
        Labels: { groups: ["dev"] },
      },
    ]);
  });

  it.each([
    ["answers nonsense", 200, "<html>", "neither empty nor JSON"],
    ["answers another JSON", 200, '{"allow": true}', "neither empty nor JSON"],
    ["asks for a login", 401, "", "status 401"],
    ["fails", 500, "", "status 500"],
    ["answers too much", 200, "x".repeat(70_000), "UND_ERR_RES_EXCEEDED_MAX_SIZE"],
  ])("grants nothing if it %s", async (_, status, body, reason) => {
    const rules = await open((__, response) => void response.writeHead(status).end(body));
    const error = await failure(() => ask(rules));
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toContain(reason);
  });

  it("isn't followed to another place, which would get its credentials", async () => {
    let isReached = false;
    const other = await serveHttp((_, response) => {
      isReached = true;
      response.end();
    });
    onTestFinished(other.close);
    const redirect: Answer = (_, response) => void response.writeHead(307, { location: other.url }).end();
    const rules = await open(redirect, { authorization: "Bearer secret" });
    expect((await failure(() => ask(rules))).message).toContain("status 307");
    expect(isReached).toBe(false);
  });

  it("is given up when its time is up, and so are those that wait for their turn", async () => {
    const rules = await open(() => undefined, { timeout: 200, concurrency: 1 });
    const errors = await Promise.all([failure(() => ask(rules)), failure(() => ask(rules))]);
    for (const error of errors) expect(error.message).toContain("it didn't answer within 200 ms");
  });

  it("is given up when the client has gone", async () => {
    const gone = new AbortController();
    const reason = new Error("the client is gone");
    const rules = await open(() => gone.abort(reason));
    await expect(ask(rules, gone.signal)).rejects.toBe(reason);
  });

  it("grants nothing while its server is gone", async () => {
    const server = await serveHttp(() => undefined);
    await server.close();
    const parsed = section(callOptions(""), "").parse({ url: server.url });
    const rules = await openHookRules({ ...parsed, timeout: 5000, concurrency: 1 });
    onTestFinished(() => rules.close());
    expect((await failure(() => ask(rules))).message).toContain("ECONNREFUSED");
  });

  it("leaves to the next rules what it doesn't know", async () => {
    const unknown = await open((_, response) => void response.writeHead(404).end());
    const known = await open((_, response) => void response.end('{"actions": ["pull"]}'));
    const { actions, rule } = await decide([unknown, known], SUBJECT, WANTED, new AbortController().signal);
    expect({ actions, rule }).toEqual({ actions: ["pull"], rule: "hookrules[0]" });
  });

  it("should use TLS, since its word opens everything", () => {
    expect(hookRules.section("hookrules").parse({ url: "http://auth.example/" }).remarks).toHaveLength(1);
    expect(hookRules.section("hookrules").parse({ url: "https://auth.example/" }).remarks).toHaveLength(0);
    expect(hookRules.section("hookrules").safeParse({ url: "ftp://auth.example/" }).success).toBe(false);
  });
});
