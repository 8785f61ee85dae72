import { openAudit } from "../audit/open-audit.js";
import { composeRegistry, type ComposedRegistry } from "../compose.js";
import type { Config } from "../config/config.js";
import type { HealthFailures } from "../health/check.js";
import { createMetrics, type Metrics } from "../metrics/metrics.js";
import type { EventSink } from "../notifications/contract.js";
import type { Logs } from "../observability/open-logs.js";
import { traceLog } from "../observability/trace-log.js";
import { openTracing } from "../tracing/open-tracing.js";
import type { ListenAddress } from "./address.js";
import { ConnectionTable } from "./connections.js";
import { connectionLimits } from "./limits.js";
import { reload } from "./reload.js";
import { drainTimeout } from "./run-context.js";
import { startServing, type Serving } from "./serving.js";

/** What a process that answers the API is told beside the configuration. */
export interface ServiceContext {
  readonly logs: Logs;
  readonly version: string;
  /** What this process is called among the registry's: `single`, `worker-1`. */
  readonly process: string;
  /** The registry's, the same for all processes. */
  readonly instance: string;
  /** Signs upload states; the same in all processes. */
  readonly secret: string;
  /** Where events go; undefined: nobody wants to hear of them. */
  readonly events: EventSink | undefined;
}

/** The API in this process, whether it works alone or as one of several. */
export interface Service {
  readonly registry: ComposedRegistry;
  /** Undefined: nobody measures. */
  readonly metrics: Metrics | undefined;
  /** What fails at the moment, as whoever looks after the health checks knows. */
  setHealth(failures: HealthFailures): void;
  /** Begins to answer; resolves with the address as the start-up line shows it. Throws AddressError or TlsError. */
  serve(address: ListenAddress): Promise<string>;
  /** Reads certificates, password files and keys again. Never rejects. */
  reload(): Promise<void>;
  /** Takes no new connections, and lets the exchanges under way finish for as long as `http.draintimeout` grants. */
  stop(): Promise<void>;
  /** Frees what the service holds. */
  close(): Promise<void>;
}

/** Makes the service; it doesn't listen yet. */
export async function openService(config: Config, context: ServiceContext): Promise<Service> {
  const { logs, secret, version } = context;
  const tracing = await openTracing(process.env, { ...context, prefix: config.http.prefix }, logs.log);
  const log = tracing === undefined ? logs.log : traceLog(logs.log, () => tracing.current());
  const audit = config.log.audit === undefined ? undefined : openAudit(config.log.audit, logs);
  const connections = new ConnectionTable(await connectionLimits(config.http.limits));
  const metrics = config.http.debug.prometheus.enabled
    ? createMetrics({ process: context.process, version, connections })
    : undefined;
  const registry = await composeRegistry(config, {
    secret,
    log,
    metrics,
    tracing,
    events: context.events === undefined ? undefined : { sink: context.events, instance: context.instance },
  }).catch((error: unknown) => {
    audit?.close();
    throw error;
  });
  let serving: Serving | undefined;
  let healthy = true;
  return {
    registry,
    metrics,
    setHealth: (failures) => void (healthy = Object.keys(failures).length === 0),
    async serve(address) {
      serving = await startServing(config, {
        ...logs,
        log,
        tracing,
        app: registry.app,
        isHealthy: () => healthy,
        connections,
        address,
        metrics,
        audit: audit?.audit,
      });
      return serving.address;
    },
    async reload() {
      if (serving !== undefined) await reload({ registry, serving, audit, log });
    },
    async stop() {
      const cut = (await serving?.stop(drainTimeout(config))) ?? 0;
      if (cut > 0) log.warn(`${cut} connections did not finish within http.draintimeout and were cut`);
    },
    async close() {
      await registry.close();
      audit?.close();
      await tracing?.close();
    },
  };
}
