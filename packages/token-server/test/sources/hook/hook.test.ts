import { section } from "@longshore/options/declare";
import { serveHttp } from "@longshore/testkit/loopback";
import { testFolder } from "@longshore/testkit/test-folder";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { IdentitySource } from "../../../src/contract.js";
import { hook } from "../../../src/sources/hook/hook-kind.js";
import { hookOptions } from "../../../src/sources/hook/hook-options.js";
import { openHook } from "../../../src/sources/hook/hook-source.js";
import { loginContext } from "../../support.js";
import { credentials, failure } from "../support.js";

async function open(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
  input: object = {},
): Promise<IdentitySource> {
  const server = await serveHttp((request, response) => {
    void text(request).then((body) => answer(request, response, body));
  });
  onTestFinished(server.close);
  const source = await openHook(section(hookOptions, "").parse({ url: `${server.url}/login?v=1`, ...input }));
  onTestFinished(() => source.close());
  return source;
}

const logIn = (source: IdentitySource, signal = new AbortController().signal) =>
  source.verify(credentials('alice:"secret"'), loginContext({ signal }));

describe("an HTTP hook", () => {
  it.each([
    [200, "identified"],
    [204, "identified"],
    [401, "failed"],
    [403, "failed"],
    [404, "unknown"],
  ])("decides by its status: %d", async (status, outcome) => {
    const source = await open((_, response) => void response.writeHead(status).end());
    expect((await logIn(source)).outcome).toBe(outcome);
  });

  it("is posted the account and the password as JSON, with a header of its own", async () => {
    const seen: unknown[] = [];
    const source = await open(
      ({ method, url, headers }, response, body) => {
        seen.push(method, url, headers.authorization, headers["content-type"], body);
        response.end('{"labels": {"groups": ["dev"]}}');
      },
      { authorization: "Bearer of-the-hook" },
    );
    expect(await logIn(source)).toMatchObject({
      identity: { account: "alice", labels: new Map([["groups", ["dev"]]]), labelSyntax: "literal" },
    });
    const body = '{"account":"alice","password":"\\"secret\\""}';
    expect(seen).toEqual(["POST", "/login?v=1", "Bearer of-the-hook", "application/json", body]);
  });

  it.each([
    ["answers nonsense", 200, "<html>", "neither empty nor JSON"],
    ["fails", 500, "", "status 500"],
    ["answers too much", 200, "x".repeat(70_000), "UND_ERR_RES_EXCEEDED_MAX_SIZE"],
  ])("can't tell if it %s", async (_, status, answer, reason) => {
    const source = await open((__, response) => void response.writeHead(status).end(answer));
    const error = await failure(() => logIn(source));
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toContain(reason);
  });

  it("is never followed to another place, which would get the password", async () => {
    let isReached = false;
    const other = await serveHttp((_, response) => {
      isReached = true;
      response.end();
    });
    onTestFinished(other.close);
    const source = await open((_, response) => void response.writeHead(307, { location: other.url }).end());
    expect((await failure(() => logIn(source))).message).toContain("status 307");
    expect(isReached).toBe(false);
  });

  it("is given up when the time is up", async () => {
    const time = new AbortController();
    const reason = new Error("time is up");
    const source = await open(() => time.abort(reason));
    await expect(logIn(source, time.signal)).rejects.toBe(reason);
  });

  it("isn't asked about an empty password", async () => {
    const source = await open((_, response) => void response.end());
    expect(await source.verify(credentials("alice:"), loginContext())).toEqual({ outcome: "unknown" });
  });

  it("should use TLS, and needs a readable file of authorities", async () => {
    expect(hook.section("hook").parse({ url: "http://auth.example/login" }).remarks).toHaveLength(1);
    expect(hook.section("hook").parse({ url: "http://127.0.0.1:8080/login" }).remarks).toHaveLength(0);
    expect(hook.section("hook").safeParse({ url: "ftp://auth.example" }).success).toBe(false);
    const ca = join(await testFolder(), "ca.pem");
    const options = section(hookOptions, "").parse({ url: "https://auth.example", ca });
    expect((await failure(() => openHook(options))).code).toBe("INVALID_OPTIONS");
    await writeFile(ca, "not a certificate");
    expect((await failure(() => openHook(options))).message).toContain("holds no PEM certificate");
  });
});
