import { describe, expect, it } from "vitest";
import { readTracingSettings } from "../../src/tracing/settings.js";
import { formatTraceparent, parseTraceparent, passableBaggage } from "../../src/tracing/trace-context.js";
import { createDiagnosticLog } from "../../src/tracing/diagnostic-log.js";
import { silentLog } from "../../src/observability/log.js";

describe("the OTEL_* variables", () => {
  const exporters = (environment: Record<string, string>): readonly string[] =>
    readTracingSettings(environment).exporters;

  it("turn tracing on only where an exporter or a collector is named", () => {
    expect(exporters({})).toEqual([]);
    expect(exporters({ OTEL_SERVICE_NAME: "x", OTEL_EXPORTER_OTLP_HEADERS: "a=b" })).toEqual([]);
    expect(exporters({ OTEL_TRACES_EXPORTER: "otlp" })).toEqual(["otlp"]);
    expect(exporters({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" })).toEqual(["otlp"]);
    expect(exporters({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces" })).toEqual(["otlp"]);
    expect(exporters({ OTEL_TRACES_EXPORTER: " Console , otlp " })).toEqual(["console", "otlp"]);
    expect(exporters({ OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" })).toEqual([]);
    expect(exporters({ OTEL_TRACES_EXPORTER: "otlp", OTEL_SDK_DISABLED: "True" })).toEqual([]);
    expect(exporters({ OTEL_TRACES_EXPORTER: "", OTEL_EXPORTER_OTLP_ENDPOINT: "" })).toEqual([]);
  });

  it("with unsupported values enable the rest, with a warning", () => {
    const { exporters: known, warnings } = readTracingSettings({ OTEL_TRACES_EXPORTER: "zipkin,console" });
    expect(known).toEqual(["console"]);
    expect(warnings).toEqual([expect.stringContaining("names zipkin")]);
    for (const protocol of ["grpc", "http/json"]) {
      const refused = readTracingSettings({ OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
      expect(refused.exporters).toEqual([]);
      expect(refused.warnings).toEqual([expect.stringContaining(`OTLP over ${protocol} is not supported`)]);
    }
    const specific = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf" };
    expect(exporters({ OTEL_TRACES_EXPORTER: "otlp", ...specific })).toEqual(["otlp"]);
  });

  it("choose how contexts travel", () => {
    const propagators = (text: string): unknown => [
      ...readTracingSettings({ OTEL_TRACES_EXPORTER: "otlp", OTEL_PROPAGATORS: text }).propagators,
    ];
    expect(propagators("")).toEqual(["tracecontext", "baggage"]);
    expect(propagators("tracecontext,b3")).toEqual(["tracecontext"]);
    expect(propagators("none")).toEqual([]);
  });
});

describe("traceparent", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const spanId = "b7ad6b7169203331";

  it("is read as the W3C has it, and written as it was read", () => {
    const header = `00-${traceId}-${spanId}-01`;
    const span = { traceId, spanId, traceFlags: 1 };
    expect(parseTraceparent(header)).toEqual(span);
    expect(formatTraceparent(span)).toBe(header);
    // A later version may say more behind it.
    expect(parseTraceparent(`cc-${traceId}-${spanId}-00-what-comes`)).toEqual({ ...span, traceFlags: 0 });
  });

  it.each([
    undefined,
    "",
    "x",
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
  ])("that is none begins a trace of its own: %s", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  it("travels with baggage, which isn't read, unless it is too large", () => {
    expect(passableBaggage("a=b")).toBe("a=b");
    expect(passableBaggage("")).toBeUndefined();
    expect(passableBaggage("a".repeat(8193))).toBeUndefined();
  });
});

describe("the tracing library's complaints", () => {
  it("are logged once a minute each, without stacks", () => {
    const lines: string[] = [];
    let now = 0;
    const log = createDiagnosticLog({ ...silentLog, warn: (line) => void lines.push(line) }, () => now);
    const fault = JSON.stringify({ message: "connect refused", code: "ECONNREFUSED", stack: "at /opt/x.js:1:1" });
    log.error(fault);
    log.error(fault);
    log.warn("something else");
    log.info("chatter");
    expect(lines).toEqual([
      "tracing: spans could not be sent: connect refused ECONNREFUSED",
      "tracing: something else",
    ]);
    now = 60_000;
    log.error(fault);
    expect(lines).toHaveLength(3);
  });
});
