import { AsyncLocalStorage } from "node:async_hooks";
import {
  createContextKey,
  createTraceState,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanKind,
  type Tracer,
} from "@opentelemetry/api";
import { isStorageError } from "@longshore/storage";
import type { TraceIds } from "../observability/request-record.js";
import { formatTraceparent, parseTraceparent, passableBaggage } from "./trace-context.js";

/** A span with what is needed to work for it. */
export interface OpenSpan {
  readonly span: Span;
  readonly context: Context;
}

/** Headers that carry a context, by their names. */
interface ContextHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly baggage?: string | undefined;
}

/** Begins spans, and knows for which of them the calling code works. */
export interface Spans {
  /** A span below the current one, or below what `incoming` names. */
  begin(name: string, kind: SpanKind, attributes: Attributes, incoming?: ContextHeaders): OpenSpan;
  /** Does `work` for a span. */
  within<T>(open: OpenSpan, work: () => T): T;
  /** Whether the calling code works for a span. */
  isWithin(): boolean;
  current(): TraceIds | undefined;
  /** The headers that tell another server of a span, name and value. */
  headersOf(open: OpenSpan): readonly (readonly [name: string, value: string])[];
}

const BAGGAGE = createContextKey("baggage header");

/** Spans of one tracer. Which is the current one is kept here and not in the library's globals: every use is in this room. */
export function createSpans(tracer: Tracer, propagators: ReadonlySet<"tracecontext" | "baggage">): Spans {
  const storage = new AsyncLocalStorage<Context>();

  function extract({ traceparent, tracestate, baggage }: ContextHeaders): Context {
    let context = ROOT_CONTEXT;
    const remote = propagators.has("tracecontext") ? parseTraceparent(traceparent) : undefined;
    if (remote !== undefined) {
      const state = tracestate === undefined ? {} : { traceState: createTraceState(tracestate) };
      context = trace.setSpanContext(context, { ...remote, ...state, isRemote: true });
    }
    const passed = propagators.has("baggage") ? passableBaggage(baggage) : undefined;
    return passed === undefined ? context : context.setValue(BAGGAGE, passed);
  }

  return {
    begin(name, kind, attributes, incoming) {
      const parent = incoming === undefined ? (storage.getStore() ?? ROOT_CONTEXT) : extract(incoming);
      const span = tracer.startSpan(name, { kind, attributes }, parent);
      return { span, context: trace.setSpan(parent, span) };
    },
    within: (open, work) => storage.run(open.context, work),
    isWithin: () => storage.getStore() !== undefined,
    current() {
      const context = storage.getStore();
      const span = context === undefined ? undefined : trace.getSpan(context);
      return span === undefined ? undefined : idsOf(span);
    },
    headersOf({ span, context }) {
      const headers: [string, string][] = [];
      const { traceState, ...ids } = span.spanContext();
      if (propagators.has("tracecontext")) {
        headers.push(["traceparent", formatTraceparent(ids)]);
        const state = traceState?.serialize() ?? "";
        if (state !== "") headers.push(["tracestate", state]);
      }
      const baggage = context.getValue(BAGGAGE);
      if (typeof baggage === "string") headers.push(["baggage", baggage]);
      return headers;
    },
  };
}

/** What logs call a span. */
export function idsOf(span: Span): TraceIds {
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}

/** Ends a span whose work failed. The message of a fault of storage is safe to tell; of others only the kind is told. */
export function failSpan(span: Span, error: unknown): void {
  const type = isStorageError(error) ? error.code : error instanceof Error ? error.name : "unknown";
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(isStorageError(error) ? { message: error.message } : {}) });
  span.end();
}
