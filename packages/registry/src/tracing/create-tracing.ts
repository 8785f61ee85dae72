import { withTimeout } from "@longshore/base/timeout";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import type { Log } from "../observability/log.js";
import { traceAccess } from "./access-spans.js";
import { createDiagnosticLog } from "./diagnostic-log.js";
import { createRequestSpans } from "./request-spans.js";
import type { TraceExporter, TracingSettings } from "./settings.js";
import { createSpans } from "./spans.js";
import { traceDriver } from "./storage-spans.js";
import type { Tracing, TracingIdentity } from "./tracing.js";
import { traceUpstream } from "./upstream-spans.js";

/** How long a stopping process waits to send its last spans (ms); workers that take longer are killed. */
const FLUSH = 2000;
/** Distribution's name, so that saved searches find these spans too. */
const SERVICE = "distribution";

/**
 * Tracing with OpenTelemetry's SDK. The SDK reads the remaining variables itself: sampler and limits, batching (a bounded
 * queue that drops what exceeds it), and the exporter's address, headers, compression and certificates.
 */
export function createTracing(settings: TracingSettings, identity: TracingIdentity, log: Log): Tracing {
  diag.setLogger(createDiagnosticLog(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const own = resourceFromAttributes({
    "service.name": SERVICE,
    "service.version": identity.version,
    "service.instance.id": identity.instance,
    "process.pid": process.pid,
    "longshore.process": identity.process,
  });
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: settings.exporters.map(createProcessor),
  });
  const spans = createSpans(provider.getTracer("longshore", identity.version), settings.propagators);
  const stopUpstream = traceUpstream(spans);
  return {
    request: createRequestSpans(spans, identity.prefix),
    driver: (driver) => traceDriver(driver, spans),
    access: (controller) => traceAccess(controller, spans),
    current: () => spans.current(),
    async close() {
      stopUpstream();
      const flushed = provider.shutdown().catch((error: unknown) => {
        log.warn(
          `tracing: the last spans could not be sent: ${error instanceof Error ? error.message : "unknown error"}`,
        );
      });
      await withTimeout(flushed, FLUSH, () => undefined);
    },
  };
}

function createProcessor(exporter: TraceExporter): SpanProcessor {
  switch (exporter) {
    case "otlp":
      return new BatchSpanProcessor(new OTLPTraceExporter());
    case "console":
      return new SimpleSpanProcessor(new ConsoleSpanExporter());
  }
}
