import { setMaxListeners } from "node:events";
import type { Upstream } from "@longshore/mirror";
import { Resources } from "@longshore/base/resources";
import { openRecords, purgeUploads, type CollectObserver, type StorageDriver } from "@longshore/storage";
import { createRemovalAudit } from "../../audit/audit.js";
import { openAudit } from "../../audit/open-audit.js";
import type { Config } from "../../config/config.js";
import type { SyncPorts } from "../../copying/run-sync.js";
import { runCollection } from "../../garbage-collection/run-collection.js";
import type { HealthFailures } from "../../health/health-check.js";
import { HealthMonitor } from "../../health/monitor.js";
import { openDesk, type MaintenanceRelay } from "../../maintenance/desk.js";
import { openRuns } from "../../maintenance/runs.js";
import { untilIdle } from "../../maintenance/until-idle.js";
import type { CollectionMetrics } from "../../metrics/gc-metrics.js";
import type { CertificateSource } from "../../metrics/server-metrics.js";
import type { InventoryMetrics } from "../../metrics/inventory-metrics.js";
import type { ScrubMetrics } from "../../metrics/scrub-metrics.js";
import type { MirrorMetrics } from "../../metrics/mirror-metrics.js";
import type { RetentionMetrics } from "../../metrics/retention-metrics.js";
import type { UpstreamStatuses } from "../../mirroring/upstream-states.js";
import type { EventSettings } from "../../notifications/contract.js";
import type { NotificationService } from "../../notifications/service.js";
import { eventSettings } from "../../notifications/settings.js";
import { announceManifests, COLLECTION_AGENT } from "../../retention/observe-removals.js";
import type { Logs } from "../../observability/open-logs.js";
import { readStatus } from "../status/read-status.js";
import { startDebugAddress, type ObservedService } from "../debug/debug-address.js";
import type { StatusRelay } from "../../status/status.js";
import type { CountingPorts } from "./counting.js";
import { startCollecting, type Collect } from "./garbage-collection.js";
import { scrubConfigured, startScrubbing } from "./scrubbing.js";
import { startPurging } from "./upload-purging.js";

/** What background jobs need from the service. */
interface JobsService extends ObservedService {
  readonly driver: StorageDriver;
  /** Undefined disables metrics. */
  readonly metrics:
    | {
        readonly collection: CollectionMetrics;
        readonly scrub: ScrubMetrics;
        readonly mirror: MirrorMetrics;
        readonly retention: RetentionMetrics;
        readonly inventory: InventoryMetrics;
      }
    | undefined;
  /** Called whenever the set of failing checks changes. */
  setHealth(failures: HealthFailures): void;
}

/** What background jobs need from the process. */
export interface BackgroundJobsContext {
  readonly service: JobsService;
  readonly logs: Logs;
  /** The registry's name in events. */
  readonly instance: string;
  readonly version: string;
  /** Undefined if there are no endpoints. */
  readonly notifications: NotificationService | undefined;
  /** Undefined if no authority issues certificates. */
  readonly certificates: CertificateSource | undefined;
  /** Where requests for runs arrive. */
  readonly maintenance: MaintenanceRelay;
  /** Where questions arrive how the registry does. */
  readonly status: StatusRelay;
  /** Aborted when the registry should stop: nothing new begins, and running jobs end. */
  readonly stop: AbortSignal;
}

/**
 * Starts the jobs that must run only once, however many processes serve: health checks, upload purging, garbage collection,
 * retention, sweeps of the pull-through cache, copies of `proxy.sync`, the debug address. Health checks and the debug address continue while requests in progress finish, until the jobs are
 * closed. Throws AddressError if the debug address can't be listened on.
 */
export async function startBackgroundJobs(config: Config, context: BackgroundJobsContext): Promise<Resources> {
  const { service, logs, notifications, certificates, stop } = context;
  const { log } = logs;
  const { driver, metrics } = service;
  const { uploadpurging, gc, scrub, readonly } = config.storage.maintenance;
  await using opened = new Resources();
  const registry = { driver, storageType: config.storage.type };
  const checks = config.health.checks.flatMap(({ check }) => check.open(registry) ?? []);
  const monitor = opened.add(
    new HealthMonitor(checks, (failures) => {
      for (const [name, failure] of Object.entries(failures)) log.error(`health check ${name} failed: ${failure}`);
      if (Object.keys(failures).length === 0) log.info("all health checks pass again");
      service.setHealth(failures);
    }),
  );
  const sources = new Map<string, Upstream>();
  const sourceStatuses = (): UpstreamStatuses =>
    new Map([...sources].map(([text, source]) => [text, source.status()] as const));
  opened.add(
    await startDebugAddress(config, { service, log, monitor, notifications, certificates, sourceStatuses, stop }),
  );
  const parts = { monitor, notifications, service, sourceStatuses, stop };
  context.status.connect({ read: () => readStatus(config, context.version, parts) });
  const ending = new AbortController();
  // Many calls at once listen to it, which isn't a leak.
  setMaxListeners(0, ending.signal);
  opened.defer(() => ending.abort(new Error("the registry stops")));
  const signal = AbortSignal.any([stop, ending.signal]);
  if (!readonly.enabled) {
    startPurging(uploadpurging, (options) => purgeUploads(driver, options, signal), { log, stop: signal });
  }
  const runs = openRuns(openRecords(driver));
  const desk = openDesk({ runs, log, stop: signal });
  context.maintenance.connect(desk);
  const events = notifications && eventSettings(config, notifications.sink, context.instance);
  const collect: Collect = async (dryRun, observer) => {
    await using announced = new Resources();
    return await runCollection(config, {
      driver,
      log,
      grace: gc.graceperiod,
      untaggedAge: gc.deleteuntagged.enabled ? gc.deleteuntagged.age : undefined,
      dryRun,
      observer: { ...observer, ...announceCollected(config, { logs, events, opened: announced }) },
      signal,
    });
  };
  // What retention leaves without tags is a collection's next.
  const after = config.policy.retention.enabled ? () => untilIdle("retention", { runs, stop: signal }) : undefined;
  startCollecting(gc, collect, { desk, log, metrics: metrics?.collection, after, stop: signal });
  if (!readonly.enabled) {
    const work = { driver, log, signal };
    startScrubbing(scrub, (observer) => scrubConfigured(config, work, observer), {
      log,
      metrics: metrics?.scrub,
      stop: signal,
    });
  }
  if (!readonly.enabled) {
    const { startRetaining } = await import("./retention.js");
    startRetaining(config, { driver, logs, desk, events, metrics: metrics?.retention, stop: signal });
  }
  if (config.proxy !== undefined && !readonly.enabled) {
    const { startSweeping } = await import("../../mirroring/sweep-mirror.js");
    startSweeping(config, config.proxy, { driver, log, metrics: metrics?.mirror, stop: signal });
  }
  const { sync } = config;
  if (sync !== undefined && !readonly.enabled) {
    const { runSync } = await import("../../copying/run-sync.js");
    const { startSyncing } = await import("./mirror-sync.js");
    const asking: SyncPorts["asking"] = ({ text }, source) => void sources.set(text, source);
    const ports = { driver, log, signal, dryRun: false, full: false, asking };
    startSyncing(sync, (observer) => runSync(config, sync, { ...ports, observer }), { log, stop: signal });
  }
  await startCountingIfWanted(config, { driver, log, metrics: metrics?.inventory, stop: signal });
  monitor.start();
  return opened.move();
}

/** Manifests that a collection removes are in the audit log, and sent to the endpoints. */
function announceCollected(
  config: Config,
  {
    logs,
    events,
    opened,
  }: { readonly logs: Logs; readonly events: EventSettings | undefined; readonly opened: Resources },
): Pick<CollectObserver, "manifestRemoved"> {
  const audit = opened.add(config.log.audit === undefined ? undefined : openAudit(config.log.audit, logs));
  const note = audit && createRemovalAudit((line) => audit.write(line), COLLECTION_AGENT);
  const announcements = opened.add(events && announceManifests(events));
  return {
    manifestRemoved: (repository, digest) => {
      note?.({ repository, digest }, Date.now());
      announcements?.removed(repository, digest);
    },
  };
}

async function startCountingIfWanted(
  config: Config,
  { metrics, ...ports }: Omit<CountingPorts, "metrics"> & { readonly metrics: InventoryMetrics | undefined },
): Promise<void> {
  const { enabled, metricsinterval } = config.inventory;
  if (metrics === undefined || !enabled || metricsinterval === 0) return;
  const { startCounting } = await import("./counting.js");
  startCounting(config, { ...ports, metrics });
}
