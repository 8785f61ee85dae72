import type { Config } from "../config/config.js";
import type { HealthMonitor } from "../health/monitor.js";
import { readinessOf, type Readiness } from "../health/readiness.js";
import { exposeMetrics } from "../metrics/expose.js";
import type { MetricsSnapshot } from "../metrics/metrics.js";
import { createNotificationMetrics } from "../metrics/notification-metrics.js";
import { createServerMetrics } from "../metrics/server-metrics.js";
import { describeEndpoints } from "../notifications/describe.js";
import type { NotificationService } from "../notifications/service.js";
import type { Log } from "../observability/log.js";
import { parseListenAddress } from "./address.js";
import { bind } from "./bind.js";
import { createDebugServer, type DebugSources } from "./debug.js";

/** How the processes that serve are doing. */
export interface Processes {
  /** Those that serve at the moment. */
  serving(): number;
  /** How often one died and was replaced. */
  restarts(): number;
  /** Whether they were asked to stop. */
  draining(): boolean;
}

/** What the debug address tells of. */
export interface DebugContext {
  readonly log: Log;
  readonly monitor: HealthMonitor;
  readonly processes: Processes;
  /** The metrics of every process. */
  readonly snapshots: () => Promise<readonly MetricsSnapshot[]>;
  /** Undefined: there are no endpoints. */
  readonly notifications: NotificationService | undefined;
}

/** Listens on `http.debug.addr`, if there is one; returns what ends that. Throws AddressError. */
export async function startDebugAddress(config: Config, context: DebugContext): Promise<() => void> {
  const { addr, prometheus } = config.http.debug;
  if (addr === undefined) return () => undefined;
  const { monitor, notifications, processes, log } = context;
  const readiness = (): Readiness =>
    readinessOf({
      failures: monitor.failures(),
      draining: processes.draining(),
      serving: processes.serving(),
    });
  const server = createDebugServer({
    health: () => monitor.failures(),
    readiness,
    endpoints: () => (notifications === undefined ? [] : describeEndpoints(notifications)),
    metrics: prometheus.enabled ? metricsSource(config, context, readiness) : undefined,
  });
  if (prometheus.enabled) log.info(`providing prometheus metrics on ${prometheus.path}`);
  log.info(`debug server listening ${await bind(server, parseListenAddress("tcp", addr))}`);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

function metricsSource(
  { http }: Config,
  { monitor, notifications, processes, snapshots }: DebugContext,
  readiness: () => Readiness,
): NonNullable<DebugSources["metrics"]> {
  const own = createServerMetrics({
    isReady: () => readiness().ready,
    checks: monitor.names,
    failures: () => monitor.failures(),
    serving: () => processes.serving(),
    configured: http.workers,
    restarts: () => processes.restarts(),
  });
  const events = notifications === undefined ? [] : [createNotificationMetrics(notifications)];
  return {
    path: http.debug.prometheus.path,
    async expose() {
      const scraped = own.scrape();
      try {
        const exposed = await exposeMetrics([
          await own.snapshot(),
          ...(await Promise.all(events.map((each) => each.snapshot()))),
          ...(await snapshots()),
        ]);
        scraped(200);
        return exposed;
      } catch (error) {
        scraped(500);
        throw error;
      }
    },
  };
}
