import type { Log } from "../observability/log.js";
import { readTracingSettings } from "./settings.js";
import type { Tracing, TracingIdentity } from "./tracing.js";

/**
 * Opens tracing as the `OTEL_*` variables configure it; undefined if they don't. The library is loaded only if it is used.
 */
export async function openTracing(
  environment: Readonly<Record<string, string | undefined>>,
  identity: TracingIdentity,
  log: Log,
): Promise<Tracing | undefined> {
  const settings = readTracingSettings(environment);
  // Workers read the same variables as their primary, which has already logged this.
  if (!identity.process.startsWith("worker-")) for (const warning of settings.warnings) log.warn(warning);
  if (settings.exporters.length === 0) return undefined;
  const { createTracing } = await import("./create-tracing.js");
  return createTracing(settings, identity, log);
}
