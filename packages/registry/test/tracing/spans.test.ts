import type { IncomingHttpHeaders } from "node:http";
import { SpanKind } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { AuthError, type AccessController, type AuthRequest } from "@longshore/auth";
import { createDriver, isStorageError } from "@longshore/storage";
import { serveHttp } from "@longshore/testkit/loopback";
import { afterEach, describe, expect, it } from "vitest";
import { Agent } from "undici";
import { traceAccess } from "../../src/tracing/access-spans.js";
import { createSpans } from "../../src/tracing/spans.js";
import { traceDriver } from "../../src/tracing/storage-spans.js";
import { traceUpstream } from "../../src/tracing/upstream-spans.js";

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const spans = createSpans(provider.getTracer("test"), new Set(["tracecontext", "baggage"]));

afterEach(() => exporter.reset());

/** What was told of each span that is over, in the order of their ends. */
function told(): unknown[] {
  return exporter.getFinishedSpans().map(({ name, attributes, parentSpanContext }) => ({
    name,
    parent: parentSpanContext?.spanId,
    attributes,
  }));
}

/** A request's span to work for. */
function request(incoming = {}): ReturnType<typeof spans.begin> {
  return spans.begin("GET", SpanKind.SERVER, {}, incoming);
}

describe("requests to other servers", () => {
  it("have spans and pass their context to those servers, whatever code sends them", async () => {
    const seen: IncomingHttpHeaders[] = [];
    const server = await serveHttp((incoming, response) => {
      seen.push(incoming.headers);
      response.writeHead(incoming.url === "/gone?secret=1" ? 410 : 200).end();
    });
    const { port } = server;
    const stop = traceUpstream(spans);
    const open = request({ baggage: "tenant=blue" });
    const parent = open.span.spanContext();
    const agent = new Agent();
    try {
      await spans.within(open, async () => {
        const { body } = await agent.request({ origin: `http://127.0.0.1:${port}`, path: "/keys", method: "GET" });
        await body.dump();
        await (await fetch(`http://127.0.0.1:${port}/gone?secret=1`, { method: "POST", body: "x" })).text();
      });
      await expect.poll(() => exporter.getFinishedSpans()).toHaveLength(2);
      const [get, post] = exporter.getFinishedSpans();
      expect(told()).toEqual([
        {
          name: "GET",
          parent: parent.spanId,
          attributes: {
            "http.request.method": "GET",
            "url.full": `http://127.0.0.1:${port}/keys`,
            "server.address": "127.0.0.1",
            "server.port": port,
            "http.response.status_code": 200,
          },
        },
        {
          name: "POST",
          parent: parent.spanId,
          attributes: {
            "http.request.method": "POST",
            "url.full": `http://127.0.0.1:${port}/gone`,
            "server.address": "127.0.0.1",
            "server.port": port,
            "http.response.status_code": 410,
            "error.type": "410",
          },
        },
      ]);
      expect(seen.map((headers) => headers["traceparent"])).toEqual(
        [get, post].map((span) => `00-${parent.traceId}-${span?.spanContext().spanId ?? ""}-01`),
      );
      expect(seen.map((headers) => headers["baggage"])).toEqual(["tenant=blue", "tenant=blue"]);
    } finally {
      stop();
      await agent.close();
      await server.close();
    }
  });

  it("that fail say so, and after the end nothing is added any more", async () => {
    const stop = traceUpstream(spans);
    const server = await serveHttp((incoming, response) => void response.end(String(incoming.headers["traceparent"])));
    const origin = server.url;
    expect(await (await fetch(origin)).text()).toMatch(/^00-/);
    stop();
    expect(await (await fetch(origin)).text()).toBe("undefined");
    const restarted = traceUpstream(spans);
    await server.close();
    exporter.reset();
    const agent = new Agent();
    await expect(agent.request({ origin, path: "/", method: "GET" })).rejects.toThrow("ECONNREFUSED");
    await agent.close();
    restarted();
    expect(told()).toMatchObject([{ name: "GET", attributes: { "error.type": "Error" } }]);
  });
});

describe("storage calls", () => {
  it("have Distribution's names and attributes, below the request, and readers and writers record their bytes", async () => {
    const driver = traceDriver(await createDriver("inmemory", {}), spans);
    const open = request();
    await spans.within(open, async () => {
      const writer = await driver.writer("/a/b");
      await writer.write(new Uint8Array(10));
      await writer.commit();
      await writer.close();
      const stream = await driver.open("/a/b", { start: 4 });
      for await (const chunk of stream) expect(chunk.byteLength).toBeGreaterThan(0);
      await stream.close();
      await stream.close();
      await driver.move("/a/b", "/c");
      await expect(driver.read("/a/b")).rejects.toSatisfy((error) => isStorageError(error, "PATH_NOT_FOUND"));
    });
    const { spanId: parent } = open.span.spanContext();
    const prefix = "io.cncf.distribution.storage";
    const common = { [`${prefix}.driver.name`]: "inmemory" };
    expect(told()).toEqual([
      {
        name: "Writer",
        parent,
        attributes: {
          ...common,
          [`${prefix}.path`]: "/a/b",
          [`${prefix}.append`]: false,
          [`${prefix}.content.length`]: 10,
        },
      },
      {
        name: "Reader",
        parent,
        attributes: { ...common, [`${prefix}.path`]: "/a/b", [`${prefix}.offset`]: 4, [`${prefix}.content.length`]: 6 },
      },
      {
        name: "Move",
        parent,
        attributes: { ...common, [`${prefix}.source.path`]: "/a/b", [`${prefix}.dest.path`]: "/c" },
      },
      {
        name: "GetContent",
        parent,
        attributes: { ...common, [`${prefix}.path`]: "/a/b" },
      },
    ]);
  });

  it("outside of a request have none", async () => {
    const driver = traceDriver(await createDriver("inmemory", {}), spans);
    await driver.write("/a", new Uint8Array(1));
    await driver.stat("/");
    expect(told()).toEqual([]);
  });
});

describe("decisions of access control", () => {
  const controller = (authorize: AccessController["authorize"]): AccessController =>
    traceAccess({ name: "token", authorize, close: () => Promise.resolve() }, spans);
  const asked: AuthRequest = {
    method: "GET",
    headers: {},
    remoteAddress: undefined,
    secure: false,
    peerCertificate: undefined,
  };

  it("record the outcome, synchronous or not, and a refusal is no failure", async () => {
    const refusal = new AuthError({ code: "UNAUTHENTICATED", challenge: "Bearer", accesses: [], reason: "no token" });
    const outage = new AuthError({ code: "UNAVAILABLE", reason: "keys" });
    const grant = { account: "alice", unrestricted: true };
    const call = (authorize: AccessController["authorize"]): unknown =>
      controller(authorize).authorize(asked, [{ type: "repository", name: "a", action: "pull" }]);
    expect(call(() => grant)).toBe(grant);
    expect(await call(() => Promise.resolve(grant))).toBe(grant);
    await expect(call(() => Promise.reject(refusal))).rejects.toBe(refusal);
    expect(() =>
      call(() => {
        throw outage;
      }),
    ).toThrow(outage);
    expect(
      exporter.getFinishedSpans().map(({ attributes, status }) => [attributes["longshore.auth.outcome"], status.code]),
    ).toEqual([
      ["allowed", 0],
      ["allowed", 0],
      ["unauthenticated", 0],
      [undefined, 2],
    ]);
  });
});
