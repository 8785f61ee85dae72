import type { IncomingMessage } from "node:http";
import { SpanKind, SpanStatusCode, type Attributes } from "@opentelemetry/api";
import { ROUTES } from "../http/routes.js";
import { METHODS } from "../http/route.js";
import { redactTarget } from "@longshore/base/redact";
import { idsOf, type Spans } from "./spans.js";
import type { RequestOutcome, Tracing } from "./tracing.js";

const KNOWN_METHODS: ReadonlySet<string> = new Set([...METHODS, "OPTIONS", "TRACE", "CONNECT"]);

/**
 * Spans of requests, following OpenTelemetry's conventions for HTTP servers. Names are route templates such as `GET
 * /v2/{name}/manifests/{reference}`, so that there are few. Queries and credentials are left out because they contain upload
 * states and tokens.
 */
export function createRequestSpans(spans: Spans, prefix: string): Tracing["request"] {
  const routes = new Map(ROUTES.map(({ name, path }) => [name.replaceAll("-", "_"), `${prefix}${path.slice(1)}`]));
  return (request, peer) => {
    const method = methodOf(request);
    const open = spans.begin(method.name, SpanKind.SERVER, requestAttributes(request, peer), {
      traceparent: header(request, "traceparent"),
      tracestate: header(request, "tracestate"),
      baggage: header(request, "baggage"),
    });
    const { span } = open;
    return {
      ids: idsOf(span),
      run: (work) => spans.within(open, work),
      end({ record, status, written }) {
        const route = record.handler === undefined ? undefined : routes.get(record.handler);
        if (route !== undefined) span.updateName(`${method.name} ${route}`);
        span.setAttributes({
          ...(route === undefined ? {} : { "http.route": route }),
          "http.response.status_code": status,
          "http.response.body.size": written,
          ...outcomeAttributes(record),
        });
        // A client's mistake is not a server error (the conventions' rule for server spans).
        if (status >= 500) {
          span.setAttribute("error.type", record.error?.code ?? String(status));
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  };
}

function outcomeAttributes(record: RequestOutcome["record"]): Attributes {
  return {
    "longshore.request.id": record.id,
    "longshore.repository": record.name,
    "longshore.reference": record.reference,
    "longshore.digest": record.digest,
    "client.address": record.client,
    "enduser.id": record.user === "" ? undefined : record.user,
  };
}

/**
 * The method of a request. Unknown methods, which Node may still let through, are all called the same, so that there are few
 * names.
 */
function methodOf({ method = "" }: IncomingMessage): { readonly name: string; readonly original: string | undefined } {
  return KNOWN_METHODS.has(method) ? { name: method, original: undefined } : { name: "HTTP", original: method };
}

function requestAttributes(request: IncomingMessage, peer: string): Attributes {
  const { name, original } = methodOf(request);
  const authority = header(request, ":authority") ?? header(request, "host");
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(authority ?? "") ?? [];
  return {
    "http.request.method": original === undefined ? name : "_OTHER",
    "http.request.method_original": original,
    "url.path": redactTarget(request.url ?? "/").split("?", 1)[0],
    "url.scheme": "encrypted" in request.socket ? "https" : "http",
    "server.address": host === "" ? undefined : host,
    "server.port": port === undefined ? undefined : Number(port),
    "network.protocol.version": request.httpVersion === "2.0" ? "2" : request.httpVersion,
    "network.peer.address": peer,
    "user_agent.original": header(request, "user-agent"),
  };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}
