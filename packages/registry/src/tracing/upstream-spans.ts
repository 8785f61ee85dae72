import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { failSpan, type OpenSpan, type Spans } from "./spans.js";

/** A request of undici as its diagnostics channels report it. */
interface UpstreamRequest {
  readonly origin: unknown;
  readonly path: string;
  readonly method: string;
  addHeader(name: string, value: string): unknown;
}

/**
 * Gives every request to another server (webhooks, key sets) a span, and passes that server its context in a header. It
 * subscribes to undici's diagnostics channels, so that code sending requests needs no knowledge of tracing. Queries and
 * credentials are left out. Returns a function that unsubscribes.
 */
export function traceUpstream(spans: Spans): () => void {
  const open = new WeakMap<object, OpenSpan>();
  const take = (message: unknown): OpenSpan | undefined => {
    const request = requestOf(message);
    const found = request === undefined ? undefined : open.get(request);
    if (request !== undefined) open.delete(request);
    return found;
  };
  const listeners: readonly (readonly [channel: string, listener: (message: unknown) => void])[] = [
    [
      "undici:request:create",
      (message) => {
        const request = requestOf(message);
        if (!isUpstreamRequest(request)) return;
        const begun = begin(spans, request);
        open.set(request, begun);
        for (const [name, value] of spans.headersOf(begun)) request.addHeader(name, value);
      },
    ],
    [
      "undici:request:headers",
      (message) => {
        const request = requestOf(message);
        const span = request === undefined ? undefined : open.get(request)?.span;
        const status = statusOf(message);
        if (span === undefined || status === undefined) return;
        span.setAttribute("http.response.status_code", status);
        if (status < 400) return;
        span.setAttribute("error.type", String(status));
        span.setStatus({ code: SpanStatusCode.ERROR });
      },
    ],
    ["undici:request:trailers", (message) => take(message)?.span.end()],
    [
      "undici:request:error",
      (message) => {
        const span = take(message)?.span;
        if (span !== undefined) failSpan(span, property(message, "error"));
      },
    ],
  ];
  for (const [channel, listener] of listeners) subscribe(channel, listener);
  return () => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener);
  };
}

function begin(spans: Spans, { origin, path, method }: UpstreamRequest): OpenSpan {
  const url = new URL(path, String(origin));
  return spans.begin(method, SpanKind.CLIENT, {
    "http.request.method": method,
    "url.full": `${url.origin}${url.pathname}`,
    "server.address": url.hostname,
    "server.port": url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port),
  });
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function requestOf(message: unknown): object | undefined {
  const request = property(message, "request");
  return typeof request === "object" && request !== null ? request : undefined;
}

function statusOf(message: unknown): number | undefined {
  const status = property(property(message, "response"), "statusCode");
  return typeof status === "number" ? status : undefined;
}

function isUpstreamRequest(request: object | undefined): request is UpstreamRequest {
  return (
    typeof property(request, "path") === "string" &&
    typeof property(request, "method") === "string" &&
    typeof property(request, "addHeader") === "function" &&
    URL.canParse(String(property(request, "origin")))
  );
}
