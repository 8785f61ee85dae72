import type { Log, LogFields } from "./log.js";
import type { TraceIds } from "./request-record.js";

/** The fields by which logs and traces find each other, under OpenTelemetry's names. */
function traceFields(ids: TraceIds | undefined): LogFields {
  return ids === undefined ? {} : { trace_id: ids.traceId, span_id: ids.spanId };
}

/** A log whose lines have the ids of the current span, if there is one. */
export function traceLog(log: Log, current: () => TraceIds | undefined): Log {
  const at =
    (level: "error" | "warn" | "info" | "debug" | "disclose") =>
    (message: string, fields?: LogFields): void =>
      log[level](message, { ...fields, ...traceFields(current()) });
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    disclose: at("disclose"),
    child: (fields) => traceLog(log.child(fields), current),
  };
}
