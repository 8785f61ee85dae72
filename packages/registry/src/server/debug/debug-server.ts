import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { toWireJson } from "../../errors/json.js";
import type { HealthFailures } from "../../health/health-check.js";
import type { Readiness } from "../../health/readiness.js";

/** What the debug address shows. */
export interface DebugSources {
  readonly health: () => HealthFailures;
  readonly readiness: () => Readiness;
  /** The notification endpoints, as `/debug/vars` shows them. */
  readonly endpoints: () => readonly object[];
  /** The counters of the pull-through cache, as `/debug/vars` shows them. */
  readonly proxy: () => Promise<object>;
  /** The upstreams of the pull-through cache, as `/debug/upstreams` shows them. */
  readonly upstreams: () => Promise<readonly object[]>;
  /** Undefined disables metrics. */
  readonly metrics: { readonly path: string; expose(): Promise<{ body: string; contentType: string }> } | undefined;
}

/** The server behind `http.debug.addr` (wire contract §1.11). It has no authentication and doesn't listen yet. */
export function createDebugServer(sources: DebugSources): Server {
  return createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    void answer(sources, request, response).catch(() => {
      if (!response.headersSent) response.statusCode = 500;
      response.end();
    });
  });
}

async function answer(sources: DebugSources, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?", 1)[0];
  const reads = request.method === "GET" || request.method === "HEAD";
  if (sources.metrics !== undefined && path === sources.metrics.path && reads) {
    const { body, contentType } = await sources.metrics.expose();
    return void send(response, 200, contentType, body);
  }
  if (path === "/debug/health" && request.method === "GET") {
    const failures = sources.health();
    return void send(
      response,
      Object.keys(failures).length > 0 ? 503 : 200,
      "application/json",
      toWireJson(failures).trimEnd(),
    );
  }
  // The names that Kubernetes gives its own probes. A process that responds is alive.
  if (path === "/livez" && reads) return void send(response, 200, "text/plain; charset=utf-8", "ok\n");
  if (path === "/readyz" && reads) {
    const readiness = sources.readiness();
    return void send(response, readiness.ready ? 200 : 503, "application/json", toWireJson(readiness));
  }
  if (path === "/debug/vars" && reads) {
    const body = toWireJson(variables(sources.endpoints(), await sources.proxy()));
    return void send(response, 200, "application/json; charset=utf-8", body);
  }
  // Never a failure: a registry whose upstreams are away still serves what it has.
  if (path === "/debug/upstreams" && reads) {
    const body = toWireJson({ upstreams: await sources.upstreams() });
    return void send(response, 200, "application/json; charset=utf-8", body);
  }
  response.setHeader("X-Content-Type-Options", "nosniff");
  send(response, 404, "text/plain; charset=utf-8", "404 page not found\n");
}

/** Distribution's structure; the part without a counterpart here (redis) is empty. */
function variables(endpoints: readonly object[], proxy: object): object {
  const memory = process.memoryUsage();
  return {
    cmdline: [process.argv0, ...process.argv.slice(1)],
    memstats: { Alloc: memory.heapUsed, HeapAlloc: memory.heapUsed, HeapSys: memory.heapTotal, Sys: memory.rss },
    registry: { notifications: { endpoints }, proxy, redis: {} },
  };
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", contentType);
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.end(body);
}
