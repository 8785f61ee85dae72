import { Resources } from "@longshore/base/resources";
import type { CertificateKeeper } from "./certificates/keeper.js";
import { RegistryActivity } from "./activity/registry-activity.js";
import { composeReplicas } from "./compose-replicas.js";
import type { Service, ServiceContext } from "./compose-service.js";
import type { Config } from "./config/config.js";
import type { HealthFailures } from "./health/health-check.js";
import { createRelay } from "./maintenance/desk.js";
import { openLocalCounter } from "./limits/open-limits.js";
import { createMetrics } from "./metrics/metrics.js";
import { openNotifications } from "./notifications/open-notifications.js";
import type { NotificationService } from "./notifications/service.js";
import type { Log } from "./observability/log.js";
import type { Logs } from "./observability/open-logs.js";
import { openDriver } from "./open-storage.js";
import { startBackgroundJobs } from "./server/jobs/background-jobs.js";
import type { HostCertificate } from "./server/listeners/host-contexts.js";
import { listenAddress } from "./server/listeners/listen-address.js";
import type { PrimaryChannel, StartMessage } from "./server/processes/primary-channel.js";
import { drainTimeout, type RunContext } from "./server/processes/process-context.js";
import { reportOf } from "./server/processes/report.js";
import { createWorkerActivity } from "./server/processes/worker-activity.js";
import { createWorkerEvents } from "./server/processes/worker-events.js";
import { createWorkerLimits } from "./server/processes/worker-limits.js";
import { createWorkerLogins } from "./server/processes/worker-logins.js";
import { createWorkerMaintenance } from "./server/processes/worker-maintenance.js";
import { createWorkerStatus } from "./server/processes/worker-status.js";
import { WorkerPool } from "./server/processes/worker-pool.js";
import { createStatusRelay } from "./status/status.js";
import { openTracing } from "./tracing/open-tracing.js";

// The map of the system: what a process is made of. A part is opened after those that it needs, and closed before them.
//
//   registry      tracing, notifications, a service, activity of other replicas (compose-replicas.ts), certificates, background
//                 jobs (health checks, upload purging, garbage collection, debug address)
//                                                                     composeRegistry, here; run by run.ts
//   a service is  audit log, metrics, an API, its listener with TLS   composeService, compose-service.ts
//             or  several workers                                     composeWorkers, here
//   worker        tracing, events and logins that go through the primary, a service
//                                                                     composeWorker, here; run by run-worker.ts
//   API           driver with middleware, caches, repositories (with those of upstreams), access control, application
//                                                                     composeApi, compose-api.ts
//   collection    caches, work directory, collector                   garbage-collection/run-collection.ts, for the
//                                                                     background job and the command alike

/** A registry with everything it runs besides the API. */
export interface ComposedRegistry extends Pick<Service, "reload" | "kill" | "close"> {
  /** Begins to serve; resolves with the address, or undefined if it is stopped before that. */
  start(): Promise<string | undefined>;
  /** Lets requests in progress finish and events be sent, within `http.draintimeout`. */
  stop(): Promise<void>;
}

/** Composes a registry; it doesn't listen yet. `stop` is aborted when it is asked to stop. */
export async function composeRegistry(context: RunContext, stop: AbortSignal): Promise<ComposedRegistry> {
  const { config, logs } = context;
  const { log } = logs;
  const isSingle = config.http.workers === 1;
  const own = { ...context, process: isSingle ? "single" : "primary" };
  await using opened = new Resources();
  const tracing = opened.add(await openTracing(process.env, { ...own, prefix: config.http.prefix }, log));
  const notifications = opened.add(await openNotifications(config.notifications, log));
  const maintenance = createRelay();
  const status = createStatusRelay();
  const activity = config.activity.enabled ? new RegistryActivity({ most: config.activity.events }) : undefined;
  const service = opened.add(
    isSingle
      ? await serveHere(config, {
          ...own,
          tracing,
          events: notifications?.sink,
          maintenance,
          status,
          activity,
        })
      : await composeWorkers(context, notifications, { maintenance, status, activity }),
  );
  const { driver } = service;
  opened.add(await composeReplicas(config, { activity, driver, instance: context.instance, log }));
  const certificates = opened.add(await openCertificates(config, service, log));
  const { instance, version } = context;
  opened.add(
    await startBackgroundJobs(config, {
      service,
      logs,
      instance,
      version,
      notifications,
      certificates,
      maintenance,
      status,
      stop,
    }),
  );
  const resources = opened.move();
  return {
    async start() {
      const address = await service.start(stop);
      // Only now is anybody there to answer the authority's challenges.
      certificates?.begin();
      return address;
    },
    reload() {
      service.reload();
      certificates?.reload();
    },
    async stop() {
      const deadline = performance.now() + drainTimeout(config);
      await service.stop();
      await notifications?.stop(deadline - performance.now());
    },
    kill: () => service.kill(),
    close: () => resources.close(),
  };
}

/** The certificates that an authority issues (`http.tls.letsencrypt`), for all processes that serve. */
async function openCertificates({ http }: Config, service: Service, log: Log): Promise<CertificateKeeper | undefined> {
  if (http.tls?.source.kind !== "letsencrypt") return undefined;
  const certificates = await import("./certificates/open-certificates.js");
  const use = (pairs: readonly HostCertificate[]): void => service.useCertificates(pairs);
  return certificates.openCertificates(http.tls.source, { driver: service.driver, log, use });
}

/** A service in this process. Loaded when it is needed, because a process that only has workers serves nothing itself. */
async function serveHere(config: Config, context: ServiceContext): Promise<Service> {
  const { composeService } = await import("./compose-service.js");
  return composeService(config, context);
}

/** A service of several processes. This one holds what they share, and serves no requests itself. */
async function composeWorkers(
  context: RunContext,
  notifications: NotificationService | undefined,
  {
    maintenance,
    status,
    activity,
  }: Pick<ServiceContext, "maintenance" | "status"> & { readonly activity: RegistryActivity | undefined },
): Promise<Service> {
  const { config, logs, version, source, instance, secret } = context;
  const { prometheus } = config.http.debug;
  const metrics = prometheus.enabled
    ? createMetrics({ process: "primary", version, connections: undefined })
    : undefined;
  await using opened = new Resources();
  const driver = opened.add(await openDriver(config, metrics?.storage));
  let health: HealthFailures = {};
  let certificates: readonly HostCertificate[] = [];
  const workers = opened.add(
    new WorkerPool({
      size: config.http.workers,
      log: logs.log,
      start: (slot) => ({
        kind: "start",
        process: `worker-${slot}`,
        remarksOnFiles: slot === 1,
        source,
        instance,
        secret,
        health,
        certificates,
        events: notifications === undefined ? undefined : { directory: notifications.directory },
        isWatched: activity?.isWatched === true,
      }),
      logins: config.auth.createLogins(() => performance.now()),
      maintenance,
      status,
      limits: openLocalCounter(config),
      activity,
      keepEvents: notifications === undefined ? undefined : (...events) => notifications.keep(...events),
    }),
  );
  activity?.onWatched((isWatched) => workers.broadcast({ kind: "activity-watched", isWatched }));
  const resources = opened.move();
  return {
    driver,
    metrics,
    get serving() {
      return workers.serving;
    },
    get restarts() {
      return workers.restarts;
    },
    async snapshots() {
      return [...(metrics === undefined ? [] : [await metrics.snapshot()]), ...(await workers.snapshots())];
    },
    upstreams: () => workers.upstreams(),
    reports: async () => [reportOf("primary"), ...(await workers.reports())],
    useCertificates(next) {
      certificates = next;
      workers.broadcast({ kind: "certificates", certificates });
    },
    setHealth(failures) {
      health = failures;
      workers.broadcast({ kind: "health", failures });
    },
    async start(stop) {
      // Before the workers start, because only one of several processes may remove a leftover socket file.
      await listenAddress(config.http);
      return workers.start(stop);
    },
    reload: () => workers.broadcast({ kind: "reload" }),
    stop: () => workers.stop(drainTimeout(config)),
    kill: () => workers.kill(),
    close: () => resources.close(),
  };
}

/** One of several serving processes, configured by `start`. */
export async function composeWorker(
  config: Config,
  start: StartMessage,
  { logs, version, primary }: { readonly logs: Logs; readonly version: string; readonly primary: PrimaryChannel },
): Promise<Pick<Service, "start" | "stop" | "close">> {
  await using opened = new Resources();
  const identity = { ...start, version, prefix: config.http.prefix };
  const tracing = opened.add(await openTracing(process.env, identity, logs.log));
  const events = opened.add(
    start.events === undefined ? undefined : createWorkerEvents(primary, start.events.directory, logs.log),
  );
  const ownLimits = openLocalCounter(config);
  const service = opened.add(
    await serveHere(config, {
      ...start,
      logs,
      version,
      tracing,
      events: events?.sink,
      logins: createWorkerLogins(primary),
      maintenance: createWorkerMaintenance(primary),
      status: createWorkerStatus(primary),
      limits: ownLimits && createWorkerLimits(primary, ownLimits),
      activity: config.activity.enabled
        ? createWorkerActivity(primary, { most: config.activity.events, isWatched: start.isWatched })
        : undefined,
      isOneOfSeveral: true,
    }),
  );
  service.setHealth(start.health);
  service.useCertificates(start.certificates);
  primary.onMessage((message) => {
    if (message.kind === "health") service.setHealth(message.failures);
    if (message.kind === "certificates") service.useCertificates(message.certificates);
    if (message.kind === "reload") service.reload();
    if (message.kind === "upstreams") {
      void service.upstreams().then(([statuses = new Map<string, never>()]) => {
        primary.tell({ kind: "upstreams", id: message.id, statuses });
      });
    }
    if (message.kind === "report") {
      void service.reports().then(([report]) => {
        if (report !== undefined) primary.tell({ kind: "report", id: message.id, report });
      });
    }
    if (message.kind === "metrics" && service.metrics !== undefined) {
      void service.metrics.snapshot().then((snapshot) => primary.tell({ kind: "metrics", id: message.id, snapshot }));
    }
  });
  const resources = opened.move();
  return { start: (stop) => service.start(stop), stop: () => service.stop(), close: () => resources.close() };
}
