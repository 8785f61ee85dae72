/** The process's environment variables. */
type Environment = Readonly<Record<string, string | undefined>>;

export type TraceExporter = "otlp" | "console";

/** The settings in the `OTEL_*` variables that the SDK doesn't read itself. */
export interface TracingSettings {
  /** Empty if tracing is off. */
  readonly exporters: readonly TraceExporter[];
  /** The formats in which contexts are passed in headers. */
  readonly propagators: ReadonlySet<"tracecontext" | "baggage">;
  /** Settings that aren't supported, each as a line for the log. */
  readonly warnings: readonly string[];
}

const OFF: TracingSettings = { exporters: [], propagators: new Set(), warnings: [] };

/**
 * Reads the settings as OpenTelemetry specifies, with one difference: an exporter must be chosen, by name or by a
 * collector's address. By default the specification (and Distribution) sends spans to port 4318 of this machine, which fills
 * the log of everyone without a collector there.
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
        `tracing: OTLP over ${protocol} is not supported; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf and use the collector's port for it (4318 by default)`,
      );
      return false;
    }
    if (name === "otlp" || name === "console") return true;
    warnings.push(`tracing: OTEL_TRACES_EXPORTER names ${name}, which is not supported; use otlp, console or none`);
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
        `tracing: OTEL_PROPAGATORS names ${name}, which is not supported; use tracecontext, baggage or none`,
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
