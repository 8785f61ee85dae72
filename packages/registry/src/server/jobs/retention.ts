import { Resources } from "@longshore/base/resources";
import type { StorageDriver } from "@longshore/storage";
import { createRemovalAudit } from "../../audit/audit.js";
import { openAudit } from "../../audit/open-audit.js";
import type { Config } from "../../config/config.js";
import { JobRunningError, type Figures, type JobRun, type MaintenanceDesk } from "../../maintenance/desk.js";
import type { RetentionMetrics } from "../../metrics/retention-metrics.js";
import type { EventSettings } from "../../notifications/contract.js";
import { formatDuration } from "../../observability/duration.js";
import { errorFields } from "../../observability/log.js";
import type { Logs } from "../../observability/open-logs.js";
import { openStored } from "../../open-storage.js";
import { observeRemovals, RETENTION_AGENT } from "../../retention/observe-removals.js";
import {
  RetentionUnderWayError,
  runRetention,
  type RetentionObserver,
  type RetentionResult,
} from "../../retention/run-retention.js";
import { runOnSchedule } from "./schedule.js";

/** How often a run logs its progress (ms). */
const PROGRESS = 60_000;

export interface RetainingPorts {
  readonly driver: StorageDriver;
  readonly logs: Logs;
  readonly desk: Pick<MaintenanceDesk, "serve" | "run">;
  /** Undefined: no notifications are sent. */
  readonly events: EventSettings | undefined;
  readonly metrics: RetentionMetrics | undefined;
  /** Ends the current run, and starts no more. */
  readonly stop: AbortSignal;
}

/** Applies `policy.retention` when that is asked for, and on its schedule; announces what it removes. */
export function startRetaining(config: Config, ports: RetainingPorts): void {
  const { desk, metrics, stop } = ports;
  const { log } = ports.logs;
  const { retention } = config.policy;

  const runOnce = async (run: JobRun): Promise<Figures> => {
    const began = Date.now();
    let told = began;
    log.info("retention starting", { dryrun: run.dryRun });
    try {
      const result = await retain(config, ports, run, {
        problem: (text) => log.warn(`retention: ${text}`),
        progress: (repositories) => {
          run.progress({ phase: "repositories", done: repositories });
          if (Date.now() - told < PROGRESS) return;
          told = Date.now();
          log.info("retention in progress", { repositories });
        },
      });
      metrics?.ended(run.dryRun ? 0 : result.removed);
      log.info("retention finished", { duration: formatDuration(Date.now() - began), ...result });
      return { ...result };
    } catch (error) {
      if (!stop.aborted && !(error instanceof RetentionUnderWayError)) metrics?.ended(undefined);
      throw error;
    }
  };

  const runScheduled = async (): Promise<void> => {
    try {
      await desk.run("retention", { dryRun: retention.dryrun }, runOnce);
    } catch (error) {
      if (stop.aborted) return;
      // Another replica may be running it.
      if (error instanceof JobRunningError || error instanceof RetentionUnderWayError) {
        log.info("retention skipped", errorFields(error));
      } else {
        log.error("retention failed and will be tried again", errorFields(error));
      }
    }
  };

  desk.serve("retention", runOnce);
  if (!retention.enabled) return;
  const onScheduled = (wait: number): void => log.info(`Starting retention in ${formatDuration(wait)}`);
  runOnSchedule(retention, runScheduled, { stop, now: Date.now, random: Math.random, onScheduled });
}

async function retain(
  config: Config,
  { driver, logs, events }: RetainingPorts,
  { dryRun, signal }: JobRun,
  observer: RetentionObserver,
): Promise<RetentionResult> {
  await using opened = new Resources();
  const { registry, inventory } = await openStored(config, driver, opened, logs.log);
  const audit = opened.add(config.log.audit === undefined ? undefined : openAudit(config.log.audit, logs));
  const note = audit && createRemovalAudit((line) => audit.write(line), RETENTION_AGENT);
  return await runRetention(config, {
    driver,
    registry: events === undefined ? registry : observeRemovals(registry, events),
    inventory,
    signal,
    dryRun,
    observer: {
      ...observer,
      removed: (repository, { tag, digest, rule, reason }) => {
        logs.log.info("retention removed a tag", { repository, tag, digest, rule, reason });
        note?.({ repository, tag, digest, rule }, Date.now());
      },
    },
  });
}
