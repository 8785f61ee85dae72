/** The process's environment variables. */
type Environment = Readonly<Record<string, string | undefined>>;

export type TraceExporter = "otlp" | "console";

/** What the `OTEL_*` variables ask for, as far as the SDK doesn't read them itself. */
export interface TracingSettings {
  /** Empty: tracing is off. */
  readonly exporters: readonly TraceExporter[];
  /** How contexts travel in headers. */
  readonly propagators: ReadonlySet<"tracecontext" | "baggage">;
  /** What was asked for and isn't there, each a line for the log. */
  readonly warnings: readonly string[];
}

const OFF: TracingSettings = { exporters: [], propagators: new Set(), warnings: [] };

/**
 * Reads them by OpenTelemetry's specification, with one difference: an exporter must be asked for, by name or by the address of
 * a collector. The specification's default (and the original's) is to send spans to this machine's port 4318 unasked, which
 * fills the log of everybody who has no collector there.
 */
export function readTracingSettings(environment: Environment): TracingSettings {
  const read = (name: string): string => environment[name]?.trim() ?? "";
  if (read("OTEL_SDK_DISABLED").toLowerCase() === "true") return OFF;
  const endpoint = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") || read("OTEL_EXPORTER_OTLP_ENDPOINT");
  const wanted = words(read("OTEL_TRACES_EXPORTER") || (endpoint === "" ? "none" : "otlp"));
  const warnings: string[] = [];
  const protocol = read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") || read("OTEL_EXPORTER_OTLP_PROTOCOL") || "http/protobuf";
  const exporters = [...wanted].filter((name): name is TraceExporter => {
    if (name === "none") return false;
    if (name === "otlp" && protocol !== "http/protobuf") {
      warnings.push(
        `tracing: OTLP over ${protocol} is not spoken here; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, and the collector's port for it (4318 by default)`,
      );
      return false;
    }
    if (name === "otlp" || name === "console") return true;
    warnings.push(`tracing: OTEL_TRACES_EXPORTER names ${name}, which is not known here; known: otlp, console, none`);
    return false;
  });
  if (exporters.length === 0) return { ...OFF, warnings };
  return { exporters, propagators: readPropagators(read("OTEL_PROPAGATORS"), warnings), warnings };
}

function readPropagators(text: string, warnings: string[]): ReadonlySet<"tracecontext" | "baggage"> {
  const propagators = new Set<"tracecontext" | "baggage">();
  for (const name of words(text || "tracecontext,baggage")) {
    if (name === "tracecontext" || name === "baggage") propagators.add(name);
    else if (name !== "none")
      warnings.push(
        `tracing: OTEL_PROPAGATORS names ${name}, which is not known here; known: tracecontext, baggage, none`,
      );
  }
  return propagators;
}

function words(text: string): ReadonlySet<string> {
  return new Set(
    text
      .split(",")
      .map((word) => word.trim().toLowerCase())
      .filter((word) => word !== ""),
  );
}
