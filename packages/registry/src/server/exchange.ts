import { isIP } from "node:net";
import { performance } from "node:perf_hooks";
import type { Audit } from "../audit/audit.js";
import { ClientGone } from "../errors/api-error.js";
import { CLIENT_CLOSED_REQUEST, translate } from "../errors/translate.js";
import type { App } from "../http/app.js";
import type { HttpMetrics } from "../metrics/http-metrics.js";
import type { AccessEntry } from "../observability/access-line.js";
import type { CompletionEntry } from "../observability/completion-line.js";
import type { Log } from "../observability/log.js";
import { createRequestIds } from "../observability/request-id.js";
import { attachRecord, type RequestRecord } from "../observability/request-record.js";
import type { Connection, ConnectionTable, Exchange } from "./connections.js";
import type { HealthGate } from "./health-gate.js";
import type { ExchangeListener } from "./protocols.js";
import type { Tracing } from "../tracing/tracing.js";

/** Who is told of every exchange, and what may stand in for the application. Undefined: nobody asked for it. */
export interface ExchangeOptions {
  readonly connections: ConnectionTable;
  readonly app: App;
  /** Stands before the application. */
  readonly gate: HealthGate;
  readonly log: Log;
  readonly access: ((entry: AccessEntry, now: number) => void) | undefined;
  readonly audit: Audit | undefined;
  readonly completion: ((entry: CompletionEntry, now: number) => void) | undefined;
  readonly metrics: HttpMetrics | undefined;
  readonly tracing: Tracing | undefined;
}

/**
 * What happens around every request: it gets its record, the application answers it, and when the response is over the
 * logs and metrics are told. One closure and one listener a request.
 */
export function createExchangeListener(options: ExchangeOptions): ExchangeListener {
  const { connections, app, tracing } = options;
  const nextId = createRequestIds();
  return (connection, request, response, waiting) => {
    const started = performance.now();
    const record: RequestRecord = {
      id: givenId(request.headers["x-request-id"]) ?? nextId(),
      handler: undefined,
      name: undefined,
      reference: undefined,
      digest: undefined,
      uuid: undefined,
      user: undefined,
      access: undefined,
      client: undefined,
      error: undefined,
      trace: undefined,
    };
    attachRecord(request, record);
    const span = tracing?.request(request, connection.peer);
    record.trace = span?.ids;
    const exchange = connections.begin(connection, request, response, record);
    response.once("close", () => {
      connections.end(exchange);
      const { status, written } = report(options, exchange, started);
      span?.end({ record, status, written });
    });
    if (options.gate(request, response)) return;
    const listener = waiting ? app.onCheckContinue : app.onRequest;
    if (span === undefined) listener(request, response);
    else span.run(() => listener(request, response));
  };
}

/** A balancer's id is kept, so that its log and ours can be read together; anything that could forge a line isn't. */
function givenId(given: string | string[] | undefined): string | undefined {
  return typeof given === "string" && /^[A-Za-z0-9._-]{8,128}$/.test(given) ? given : undefined;
}

function report(
  options: ExchangeOptions,
  exchange: Exchange,
  started: number,
): { readonly status: number; readonly written: number } {
  const { connection, request, response, record } = exchange;
  const { access, audit, completion, metrics, log } = options;
  const duration = performance.now() - started;
  const now = Date.now();
  const status = response.headersSent ? response.statusCode : CLIENT_CLOSED_REQUEST;
  const written = bodySize(exchange);
  const { headers } = request;
  const method = request.method ?? "";
  const target = request.url ?? "";
  // The original's access log counts a client that went away as an internal error (contract §12.2).
  access?.(
    {
      peer: connection.peer,
      method,
      target,
      httpVersion: request.httpVersion,
      status: status === CLIENT_CLOSED_REQUEST ? 500 : status,
      size: written,
      referer: headers.referer,
      userAgent: headers["user-agent"],
      trace: record.trace,
    },
    now,
  );
  audit?.(
    {
      record,
      method,
      target,
      status,
      contentDigest: sentHeader(response, "Docker-Content-Digest"),
      remoteAddress: record.client ?? connection.peer,
      userAgent: headers["user-agent"],
    },
    now,
  );
  // The application learns of it later, once it has kept what arrived, and then this line is written already.
  if (status === CLIENT_CLOSED_REQUEST) record.error ??= translate(new ClientGone()).errors[0];
  // As in the original, only what the application took in hand is "completed": not `/`, nor what no route matched.
  if (completion !== undefined && (record.error !== undefined || (status < 400 && target !== "/"))) {
    const host = headers[":authority"] ?? headers.host;
    completion(
      {
        record,
        method,
        host: typeof host === "string" ? host : undefined,
        target,
        referer: headers.referer,
        userAgent: headers["user-agent"],
        remoteAddress: remoteAddress(request, connection, log),
        requestType: headers["content-type"],
        responseType: sentHeader(response, "Content-Type"),
        status,
        written,
        duration,
      },
      now,
    );
  }
  if (metrics !== undefined && record.handler !== undefined) {
    const length = Number(headers["content-length"] ?? 0);
    metrics.observe(record.handler, method, status, duration / 1000, target.length + method.length + length, written);
  }
  return { status, written };
}

/**
 * Bytes of body that went out; for HEAD what a GET would have, except for a blob: its HEAD counts as nothing in the
 * original too, and clients send one before each push, so that traffic read from the log isn't made of them (contract §9.4).
 */
function bodySize({ connection, request, response, record, sentBefore }: Exchange): number {
  if (!response.headersSent) return 0;
  if (request.method === "HEAD" && record.handler === "blob" && response.statusCode < 400) return 0;
  const announced = sentHeader(response, "Content-Length");
  if (response.writableFinished && announced !== undefined) return Number(announced);
  // Chunked, or cut short: what the connection carried, less the head.
  return Math.max(0, connection.socket.bytesWritten - sentBefore - sentHead(response).length);
}

/** The head as HTTP/1.1 sent it. Headers that an application gives with the status are kept nowhere else. */
function sentHead(response: Exchange["response"]): string {
  return "_header" in response && typeof response._header === "string" ? response._header : "";
}

function sentHeader(response: Exchange["response"], name: string): string | undefined {
  const head = sentHead(response);
  if (head === "") {
    const value = response.getHeader(name);
    return typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
  }
  const start = head.indexOf(`\r\n${name}: `);
  if (start < 0) return undefined;
  return head.slice(start + name.length + 4, head.indexOf("\r\n", start + 2));
}

/** The client as a proxy in front tells it, or the connection's other end (contract §9.4). */
function remoteAddress(request: Exchange["request"], connection: Connection, log: Log): string {
  const { headers } = request;
  const forwarded = headers["x-forwarded-for"] ?? headers["x-real-ip"];
  if (forwarded === undefined) return connection.remote;
  const first = (typeof forwarded === "string" ? forwarded : (forwarded[0] ?? "")).split(",", 1)[0]?.trim() ?? "";
  if (isIP(first) !== 0) return first;
  log.warn(`invalid remote IP address: "${first.slice(0, 100)}"`);
  return connection.remote;
}
