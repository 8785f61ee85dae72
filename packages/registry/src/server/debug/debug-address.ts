import type { Config } from "../../config/config.js";
import type { HealthMonitor } from "../../health/monitor.js";
import { readinessOf, type Readiness } from "../../health/readiness.js";
import { exposeMetrics } from "../../metrics/expose.js";
import type { MetricsSnapshot } from "../../metrics/metrics.js";
import { proxyVariables } from "../../metrics/mirror-metrics.js";
import { createNotificationMetrics } from "../../metrics/notification-metrics.js";
import { createServerMetrics, type CertificateSource } from "../../metrics/server-metrics.js";
import { sourceStates, upstreamStates, type UpstreamStatuses } from "../../mirroring/upstream-states.js";
import { describeEndpoints } from "../../notifications/describe.js";
import type { NotificationService } from "../../notifications/service.js";
import type { ProcessReport } from "../../status/status.js";
import type { Log } from "../../observability/log.js";
import { parseListenAddress } from "../listeners/listen-address.js";
import { bind } from "../listeners/bind.js";
import { createDebugServer, type DebugSources } from "./debug-server.js";

/** The service, as the debug address sees it. */
export interface ObservedService {
  /** Processes that are currently serving. */
  readonly serving: number;
  /** How often a process died and was replaced. */
  readonly restarts: number;
  /** The metrics of every process. */
  snapshots(): Promise<readonly MetricsSnapshot[]>;
  /** How each process sees the upstreams of the pull-through cache. */
  upstreams(): Promise<readonly UpstreamStatuses[]>;
  /** How each process does. */
  reports(): Promise<readonly ProcessReport[]>;
}

/** The sources of what the debug address shows. */
export interface DebugContext {
  readonly log: Log;
  readonly monitor: HealthMonitor;
  readonly service: ObservedService;
  /** Undefined if there are no endpoints. */
  readonly notifications: NotificationService | undefined;
  /** Undefined if no authority issues certificates. */
  readonly certificates: CertificateSource | undefined;
  /** How the registries that `proxy.sync` copies from do, as this process saw, by the entries' `source`. */
  sourceStatuses(): UpstreamStatuses;
  /** Aborted when the registry should stop. */
  readonly stop: AbortSignal;
}

/** Listens on `http.debug.addr`; undefined if there is none. Throws AddressError. */
export async function startDebugAddress(config: Config, context: DebugContext): Promise<{ close(): void } | undefined> {
  const { addr, prometheus } = config.http.debug;
  if (addr === undefined) return undefined;
  const { monitor, notifications, service, stop, log } = context;
  const readiness = (): Readiness =>
    readinessOf({ failures: monitor.failures(), draining: stop.aborted, serving: service.serving });
  const server = createDebugServer({
    health: () => monitor.failures(),
    readiness,
    endpoints: () => (notifications === undefined ? [] : describeEndpoints(notifications)),
    // Nothing is counted without metrics, and zeros would be wrong.
    proxy: async () => (prometheus.enabled ? proxyVariables(await service.snapshots()) : {}),
    upstreams: async () => [
      ...upstreamStates(config.proxy?.upstreams ?? [], await service.upstreams()),
      ...sourceStates(config.sync?.entries ?? [], context.sourceStatuses()),
    ],
    metrics: prometheus.enabled ? metricsSource(config, context, readiness) : undefined,
  });
  if (prometheus.enabled) log.info(`providing prometheus metrics on ${prometheus.path}`);
  log.info(`debug server listening ${await bind(server, parseListenAddress("tcp", addr))}`);
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function metricsSource(
  { http }: Config,
  { monitor, notifications, certificates, service }: DebugContext,
  readiness: () => Readiness,
): NonNullable<DebugSources["metrics"]> {
  const own = createServerMetrics({
    isReady: () => readiness().ready,
    checks: monitor.names,
    failures: () => monitor.failures(),
    serving: () => service.serving,
    configured: http.workers,
    restarts: () => service.restarts,
    certificates,
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
          ...(await service.snapshots()),
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
