import { connect as connectHttp2 } from "node:http2";
import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import { configOf, exchangeRaw, serve, type TestServing } from "./harness.js";
import { requestOverFrames, STATUS_200, STATUS_400 } from "./http2-frames.js";

const CONFIG = configOf("{addr: '127.0.0.1:0', h2c: {enabled: true}, limits: {idletimeout: 100ms}}");

interface Answer {
  end(text: string): unknown;
}

/** Keeps the headers of the requests that it answers. */
async function serveHeaders(): Promise<TestServing & { readonly seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = [];
  const server = await serve(
    CONFIG,
    (request: { headers: IncomingHttpHeaders; url?: string | undefined }, response: Answer) => {
      seen.push(request.headers);
      response.end(`[${request.url ?? ""}]`);
    },
  );
  return { ...server, seen };
}

const filler = (count: number): string => Array.from({ length: count }, (_, index) => `A${index}: \r\n`).join("");

describe("headers of HTTP/1 requests", () => {
  it.each([900, 1000, 1100, 2045])("all count behind %d others", async (count) => {
    await using server = await serveHeaders();
    const answer = await exchangeRaw(
      server.port,
      `GET /v2/ HTTP/1.1\r\nHost: a\r\n${filler(count)}X-Forwarded-For: 203.0.113.9\r\nAuthorization: Basic eDp5\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({ "x-forwarded-for": "203.0.113.9", authorization: "Basic eDp5" });
    expect(Object.keys(server.seen[0] ?? {})).toHaveLength(count + 3);
  });

  it.each([2100, 9000, 30_000])("are refused with 431 where %d are more than the size allows", async (count) => {
    await using server = await serveHeaders();
    const answer = await exchangeRaw(server.port, `GET /v2/ HTTP/1.1\r\nHost: a\r\n${filler(count)}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(server.seen).toHaveLength(0);
  });

  it.each(["Host", "Authorization", "Content-Type", "Content-Range", "Range", "If-Range"])(
    "are refused with 400 where %s is repeated, however far behind",
    async (name) => {
      await using server = await serveHeaders();
      const host = name === "Host" ? "" : "Host: a\r\n";
      const head = `GET /v2/ HTTP/1.1\r\n${host}${name}: one\r\n${filler(1500)}${name.toUpperCase()}: two\r\n\r\n`;
      const answer = await exchangeRaw(server.port, head);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toMatch(/^connection: close\r$/im);
      expect(server.seen).toHaveLength(0);
    },
  );

  it("that ask for another protocol end the connection, since requests behind them would be lost", async () => {
    await using server = await serveHeaders();
    const upgrade = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    const answer = await exchangeRaw(server.port, `${upgrade}GET /b HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(answer).toContain("[/a]");
  });
});

describe("headers of HTTP/2 requests", () => {
  it("all count behind 1,500 others, and a stream with too many bytes of them is ended", async () => {
    await using server = await serveHeaders();
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    const ask = (count: number): Promise<number> => {
      const many = Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, ""]));
      const stream = session.request({ ":path": "/v2/", ...many, "x-forwarded-for": "203.0.113.9" });
      return new Promise((resolve, reject) => {
        stream.once("response", (headers) => resolve(headers[":status"] ?? 0)).once("error", reject);
      });
    };
    expect(await ask(1500)).toBe(200);
    expect(server.seen[0]?.["x-forwarded-for"]).toBe("203.0.113.9");
    await expect(ask(2500)).rejects.toThrow("ENHANCE_YOUR_CALM");
    expect(server.seen).toHaveLength(1);
    session.destroy();
  });

  it.each([
    [
      ["authorization", "one"],
      ["authorization", "two"],
    ],
    [
      ["content-type", "one"],
      ["content-type", "two"],
    ],
    [
      ["range", "bytes=0-1"],
      ["range", "bytes=2-3"],
    ],
    [["host", "other"]],
  ] as const)("are refused with 400 where one that has one value is repeated: %j", async (...lines) => {
    await using server = await serveHeaders();
    const { headers } = await requestOverFrames(server.port, [[":authority", "a"], ...lines]);
    expect(headers?.[0]).toBe(STATUS_400);
    expect(server.seen).toHaveLength(0);
  });

  it("are joined where they are lists, and may name the same host twice", async () => {
    await using server = await serveHeaders();
    const { headers } = await requestOverFrames(server.port, [
      [":authority", "a"],
      ["host", "a"],
      ["if-none-match", '"one"'],
      ["if-none-match", '"two"'],
      ["x-forwarded-for", "6.6.6.6"],
      ["x-forwarded-for", "203.0.113.9"],
    ]);
    expect(headers?.[0]).toBe(STATUS_200);
    expect(server.seen[0]).toMatchObject({
      "if-none-match": '"one", "two"',
      "x-forwarded-for": "6.6.6.6, 203.0.113.9",
    });
  });
});
