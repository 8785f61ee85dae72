import { performance } from "node:perf_hooks";
import { activityOf } from "../../activity/event.js";
import type { ActivitySink } from "../../activity/feed.js";
import type { Audit, AuditEntry } from "../../audit/audit.js";
import { ClientGone } from "../../errors/api-error.js";
import { CLIENT_CLOSED_REQUEST, translate } from "../../errors/translate.js";
import type { App } from "../../http/app.js";
import { isComplete } from "../../http/response/client-gone.js";
import { isRootPath } from "../../http/steps/root-path.js";
import type { ClientAddresses } from "../../http/client/client-address.js";
import type { HttpMetrics } from "../../metrics/http-metrics.js";
import type { AccessEntry } from "../../observability/access-line.js";
import type { CompletionEntry } from "../../observability/completion-line.js";
import { createRequestIds } from "../../observability/request-id.js";
import { attachRecord, type RequestRecord } from "../../observability/request-record.js";
import type { ConnectionTable, InFlight } from "./connection-table.js";
import type { HealthGate } from "./health-gate.js";
import type { ProtocolListener } from "../listeners/protocols.js";
import type { Tracing } from "../../tracing/tracing.js";

/** The observers of every exchange, and what may replace the application. Undefined: not configured. */
export interface RequestListenerOptions {
  readonly connections: ConnectionTable;
  readonly app: App;
  /** Stands before the application. */
  readonly gate: HealthGate;
  readonly access: ((entry: AccessEntry, now: number) => void) | undefined;
  readonly audit: Audit | undefined;
  readonly activity: ActivitySink | undefined;
  readonly completion: ((entry: CompletionEntry, now: number) => void) | undefined;
  readonly clients: ClientAddresses;
  readonly metrics: HttpMetrics | undefined;
  readonly tracing: Tracing | undefined;
}

/**
 * What happens around every request: it gets its record, the application answers it, and when the response has ended,
 * logs and metrics are notified. One closure and one listener per request.
 */
export function createRequestListener(options: RequestListenerOptions): ProtocolListener {
  const { connections, app, clients, tracing } = options;
  const nextId = createRequestIds();
  return (connection, request, response) => {
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
      // Read now, because a closed connection no longer has an address.
      client: clients.of(request),
      shownClient: clients.shown(request),
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
    if (span === undefined) app.onRequest(request, response);
    else span.run(() => app.onRequest(request, response));
  };
}

/** A balancer's id is kept, so that its log and ours can be read together; anything that could forge a line isn't. */
function givenId(given: string | string[] | undefined): string | undefined {
  return typeof given === "string" && /^[A-Za-z0-9._-]{8,128}$/.test(given) ? given : undefined;
}

function report(
  options: RequestListenerOptions,
  exchange: InFlight,
  started: number,
): { readonly status: number; readonly written: number } {
  const { request, response, record } = exchange;
  const { access, completion, metrics } = options;
  const duration = performance.now() - started;
  const now = Date.now();
  const status = response.headersSent ? response.statusCode : CLIENT_CLOSED_REQUEST;
  const written = bodySize(exchange);
  const { headers } = request;
  const method = request.method ?? "";
  const target = request.url ?? "";
  access?.(
    {
      client: record.client ?? "@",
      method,
      target,
      httpVersion: request.httpVersion,
      status,
      size: written,
      referer: headers.referer,
      userAgent: headers["user-agent"],
      trace: record.trace,
    },
    now,
  );
  tell(options, exchange, { method, target, status }, now);
  // The application only notices once it has stored what arrived; by then this line has been written.
  if (status === CLIENT_CLOSED_REQUEST) record.error ??= translate(new ClientGone()).errors[0];
  // As in Distribution, only requests that the application handled are "completed": not `/`, nor those that no route matched.
  if (completion !== undefined && (record.error !== undefined || (status < 400 && !isRootPath(target)))) {
    const host = headers[":authority"] ?? headers.host;
    completion(
      {
        record,
        method,
        host: typeof host === "string" ? host : undefined,
        target,
        referer: headers.referer,
        userAgent: headers["user-agent"],
        remoteAddress: record.shownClient,
        requestType: headers["content-type"],
        responseType: sentHeader(response, "Content-Type"),
        status,
        written,
        duration,
      },
      now,
    );
  }
  record.transferred?.(written + receivedBody(exchange));
  if (metrics !== undefined && record.handler !== undefined) {
    const length = Number(headers["content-length"] ?? 0);
    metrics.observe(record.handler, method, status, duration / 1000, target.length + method.length + length, written);
  }
  return { status, written };
}

/** Tells the audit log, and who watches, what was done. */
function tell(
  { activity, audit }: RequestListenerOptions,
  { request, response, record }: InFlight,
  { method, target, status }: Pick<AuditEntry, "method" | "target" | "status">,
  now: number,
): void {
  const isWatched = activity?.isWatched === true;
  if (audit === undefined && !isWatched) return;
  const entry: AuditEntry = {
    record,
    method,
    target,
    status,
    contentDigest: sentHeader(response, "Docker-Content-Digest"),
    remoteAddress: record.client ?? "@",
    userAgent: request.headers["user-agent"],
  };
  audit?.(entry, now);
  const event = isWatched ? activityOf(entry, now) : undefined;
  if (event !== undefined) activity?.record(event);
}

/** Bytes of body that came in: as announced, or as many as the connection carried meanwhile. */
function receivedBody({ request, connection, receivedBefore }: InFlight): number {
  const { headers } = request;
  if (request.complete && headers["content-length"] !== undefined) return Number(headers["content-length"]);
  if (headers["transfer-encoding"] === undefined && headers["content-length"] === undefined) return 0;
  return Math.max(0, connection.socket.bytesRead - receivedBefore);
}

/**
 * Bytes of body that went out; for HEAD what a GET would have, except for a blob: its HEAD counts as nothing, as in Distribution;
 * clients send one before each push, and would distort traffic figures taken from the log (wire contract §9.4).
 */
function bodySize({ connection, request, response, record, sentBefore }: InFlight): number {
  if (!response.headersSent) return 0;
  if (request.method === "HEAD" && record.handler === "blob" && response.statusCode < 400) return 0;
  const announced = sentHeader(response, "Content-Length");
  if (isComplete(response) && announced !== undefined) return Number(announced);
  // Chunked, or cut short: what the connection carried, minus the head.
  return Math.max(0, connection.socket.bytesWritten - sentBefore - sentHead(response).length);
}

/** The head as HTTP/1.1 sent it. Headers that an application passes along with the status aren't kept anywhere else. */
function sentHead(response: InFlight["response"]): string {
  return "_header" in response && typeof response._header === "string" ? response._header : "";
}

function sentHeader(response: InFlight["response"], name: string): string | undefined {
  const head = sentHead(response);
  if (head === "") {
    const value = response.getHeader(name);
    return typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
  }
  const start = head.indexOf(`\r\n${name}: `);
  if (start < 0) return undefined;
  return head.slice(start + name.length + 4, head.indexOf("\r\n", start + 2));
}
