import { Resources } from "@longshore/base/resources";
import type { LoginRegistrar } from "@longshore/auth";
import type { LimitCounter } from "@longshore/policy";
import type { StorageDriver } from "@longshore/storage";
import type { Activity } from "./activity/feed.js";
import { openAudit } from "./audit/open-audit.js";
import { composeApi } from "./compose-api.js";
import type { Config } from "./config/config.js";
import type { ConfigurationSource } from "./config/source.js";
import type { HealthFailures } from "./health/health-check.js";
import type { MaintenanceRequests } from "./maintenance/desk.js";
import { createMetrics, type Metrics, type MetricsSnapshot } from "./metrics/metrics.js";
import type { UpstreamStatuses } from "./mirroring/upstream-states.js";
import type { EventSink } from "./notifications/contract.js";
import { errorFields } from "./observability/log.js";
import { traceLog } from "./observability/trace-log.js";
import { connectionLimits } from "./server/connections/connection-limits.js";
import { ConnectionTable } from "./server/connections/connection-table.js";
import { openListener } from "./server/listeners/api-listener.js";
import type { FindChallenge } from "./server/listeners/challenge-handshakes.js";
import type { HostCertificate } from "./server/listeners/host-contexts.js";
import { listenAddress } from "./server/listeners/listen-address.js";
import { drainTimeout, type ProcessContext } from "./server/processes/process-context.js";
import { reportOf } from "./server/processes/report.js";
import type { ProcessReport, StatusSource } from "./status/status.js";
import type { Tracing } from "./tracing/tracing.js";

/** Whatever serves requests: this process or several others. */
export interface Service {
  /** The storage driver for work beside the API. */
  readonly driver: StorageDriver;
  /** This process's own metrics; undefined disables metrics. */
  readonly metrics: Metrics | undefined;
  /** Processes that are currently serving. */
  readonly serving: number;
  /** Processes that have died since the start. */
  readonly restarts: number;
  /** The metrics of all processes. */
  snapshots(): Promise<readonly MetricsSnapshot[]>;
  /** How each serving process sees the upstreams of the pull-through cache. */
  upstreams(): Promise<readonly UpstreamStatuses[]>;
  /** How each of its processes does. */
  reports(): Promise<readonly ProcessReport[]>;
  /** Uses these for new TLS handshakes, where an authority issues certificates (`http.tls.letsencrypt`). */
  useCertificates(certificates: readonly HostCertificate[]): void;
  /** Passes on which health checks are failing. */
  setHealth(failures: HealthFailures): void;
  /** Begins to serve; resolves with the address, or undefined if `stop` is aborted first. Throws AddressError. */
  start(stop: AbortSignal): Promise<string | undefined>;
  /**
   * Reloads certificates, password files and keys without dropping anything. Invalid files are logged, and the previous
   * contents stay in use.
   */
  reload(): void;
  /** Accepts no new connections, and lets exchanges in progress finish within `http.draintimeout`. */
  stop(): Promise<void>;
  /** Ends other processes at once. */
  kill(): void;
  close(): Promise<void>;
}

/** What the service of one process needs besides the configuration. */
export interface ServiceContext extends ProcessContext {
  /** Undefined disables tracing. */
  readonly tracing: Tracing | undefined;
  /** The sink for events; undefined disables notifications. */
  readonly events: EventSink | undefined;
  /** Where the configuration comes from, for administrators. */
  readonly source?: ConfigurationSource | undefined;
  /** Whether other processes of this registry listen on the same address. */
  readonly isOneOfSeveral?: boolean | undefined;
  /** False if another of the registry's processes reports mistakes in the files that all of them read. */
  readonly remarksOnFiles?: boolean | undefined;
  /** Counts failed logins for all processes; undefined if this is the only one. */
  readonly logins?: LoginRegistrar | undefined;
  /** Runs maintenance jobs that clients ask for. */
  readonly maintenance: MaintenanceRequests;
  /** How the registry does. */
  readonly status: StatusSource;
  /** What happens in all processes; undefined: nobody may watch. */
  readonly activity?: Activity | undefined;
  /** Counts what clients do for all processes; undefined if this is the only one. */
  readonly limits?: LimitCounter | undefined;
}

/** The API in this process: audit log, metrics, the API itself, its listener. Throws TlsError, and what composeApi throws. */
export async function composeService(config: Config, context: ServiceContext): Promise<Service> {
  const { logs, tracing, events, instance, isOneOfSeveral = false } = context;
  const log = tracing === undefined ? logs.log : traceLog(logs.log, () => tracing.current());
  await using opened = new Resources();
  const audit = opened.add(config.log.audit === undefined ? undefined : openAudit(config.log.audit, logs));
  const connections = new ConnectionTable(await connectionLimits(config.http.limits));
  const metrics = config.http.debug.prometheus.enabled ? createMetrics({ ...context, connections }) : undefined;
  const api = opened.add(
    await composeApi(config, {
      ...context,
      log,
      metrics,
      events: events === undefined ? undefined : { sink: events, instance },
    }),
  );
  const challenges = opened.add(await openChallenges(config, api.driver));
  let isHealthy = true;
  const listener = opened.add(
    await openListener(config, {
      ...logs,
      log,
      tracing,
      app: api.app,
      clients: api.clients,
      isHealthy: () => isHealthy,
      connections,
      metrics,
      audit: audit?.audit,
      activity: context.activity,
      findChallenge: challenges?.find,
    }),
  );
  const resources = opened.move();
  let serving = 0;
  return {
    driver: api.driver,
    metrics,
    get serving() {
      return serving;
    },
    restarts: 0,
    snapshots: async () => (metrics === undefined ? [] : [await metrics.snapshot()]),
    upstreams: () => Promise.resolve([api.upstreams()]),
    reports: () => Promise.resolve([reportOf(context.process, { connections, driver: api.driver, cache: api.cache })]),
    useCertificates: (certificates) => listener.useCertificates(certificates),
    setHealth: (failures) => void (isHealthy = Object.keys(failures).length === 0),
    async start() {
      const address = await listener.listen(await listenAddress(config.http, { shared: isOneOfSeveral }));
      serving = 1;
      return address;
    },
    reload() {
      log.info("reloading certificates, password file and keys, and reopening logs");
      audit?.reopen();
      void listener.reload();
      void api.reload().catch((error: unknown) => {
        log.error("auth: the new files can't be used; the previous contents stay in use", errorFields(error));
      });
    },
    async stop() {
      // They would last until the end.
      context.activity?.end("shutdown");
      const cut = await listener.stop(drainTimeout(config));
      context.activity?.flush();
      if (cut > 0) log.warn(`${cut} connections did not finish within http.draintimeout and were closed`);
    },
    kill: () => undefined,
    close: () => resources.close(),
  };
}

async function openChallenges(
  { http }: Config,
  driver: StorageDriver,
): Promise<{ readonly find: FindChallenge; close(): Promise<void> } | undefined> {
  if (http.tls?.source.kind !== "letsencrypt") return undefined;
  const certificates = await import("./certificates/open-challenges.js");
  return certificates.openChallenges(http.tls.source, driver);
}
