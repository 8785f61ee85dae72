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

/** A span with the context in which its work runs. */
export interface OpenSpan {
  readonly span: Span;
  readonly context: Context;
}

/** The headers that carry a context, by name. */
interface ContextHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly baggage?: string | undefined;
}

/** Starts spans, and knows which one the calling code belongs to. */
export interface Spans {
  /** Starts a span as a child of the current one, or of the one named by `incoming`. */
  begin(name: string, kind: SpanKind, attributes: Attributes, incoming?: ContextHeaders): OpenSpan;
  /** Runs `work` within a span. */
  within<T>(open: OpenSpan, work: () => T): T;
  /** Whether the calling code runs within a span. */
  isWithin(): boolean;
  current(): TraceIds | undefined;
  /** The headers that pass a span's context to another server, as names and values. */
  headersOf(open: OpenSpan): readonly (readonly [name: string, value: string])[];
}

const BAGGAGE = createContextKey("baggage header");

/**
 * The spans of one tracer. The current one is kept here and not in the library's globals, since all code that uses it is in
 * this folder.
 */
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

/** A span's ids, as logs show them. */
export function idsOf(span: Span): TraceIds {
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}

/**
 * Ends a span whose work failed. Messages of storage errors are safe to record; of other errors only the kind is recorded.
 */
export function failSpan(span: Span, error: unknown): void {
  const type = isStorageError(error) ? error.code : error instanceof Error ? error.name : "unknown";
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(isStorageError(error) ? { message: error.message } : {}) });
  span.end();
}
