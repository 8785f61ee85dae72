import { CollectError, LockHeldError, type CollectObserver, type CollectResult } from "@longshore/storage";
import type { CollectionConfig } from "../../config/config.js";
import { JobRunningError, type Figures, type JobRun, type MaintenanceDesk } from "../../maintenance/desk.js";
import { formatDuration } from "../../observability/duration.js";
import { errorFields, type Log } from "../../observability/log.js";
import { formatBytes } from "../../wording.js";
import { runOnSchedule } from "./schedule.js";

/** How often a running collection logs its progress (ms). */
const PROGRESS = 60_000;

/** Runs one collection. */
export type Collect = (dryRun: boolean, observer: CollectObserver) => Promise<CollectResult>;

/** Notified when a collection ends; the result is undefined if it failed. */
interface CollectionObserver {
  ended(seconds: number, result: CollectResult | undefined): void;
}

export interface CollectingPorts {
  readonly desk: Pick<MaintenanceDesk, "serve" | "run">;
  readonly log: Log;
  readonly metrics?: CollectionObserver | undefined;
  /** Waits for what a scheduled collection comes after. Never rejects. */
  readonly after?: (() => Promise<void>) | undefined;
  /** Ends the current collection, and starts no more. */
  readonly stop: AbortSignal;
  /** ms since 1970. */
  readonly now?: () => number;
  readonly random?: () => number;
}

/** Runs collections when they are asked for, and on their schedule. */
export function startCollecting(config: CollectionConfig, collect: Collect, ports: CollectingPorts): void {
  const { desk, log, metrics, after, stop, now = Date.now, random = Math.random } = ports;

  const runOnce = async (run: JobRun): Promise<Figures> => {
    const began = now();
    let told = began;
    log.info("garbage collection starting", {
      graceperiod: formatDuration(config.graceperiod),
      deleteuntagged: config.deleteuntagged.enabled,
      dryrun: run.dryRun,
    });
    const observer: CollectObserver = {
      removed: (what) => log.debug(what),
      problem: (text) => log.warn(text),
      progress: (progress) => {
        const { phase, done, total } = progress;
        run.progress(progress);
        if (now() - told < PROGRESS) return;
        told = now();
        log.info("garbage collection in progress", { phase, done, total });
      },
    };
    try {
      const result = await collect(run.dryRun, observer);
      metrics?.ended((now() - began) / 1000, result);
      log.info("garbage collection finished", fieldsOf(result, now() - began));
      return { ...result };
    } catch (error) {
      if (!stop.aborted && !isHeld(error)) metrics?.ended((now() - began) / 1000, undefined);
      throw error;
    }
  };

  const runScheduled = async (): Promise<void> => {
    await after?.();
    try {
      await desk.run("collection", { dryRun: config.dryrun }, runOnce);
    } catch (error) {
      if (stop.aborted) return;
      if (error instanceof JobRunningError || isHeld(error)) {
        log.info("garbage collection skipped", errorFields(error));
      } else {
        log.error("the garbage collection failed and will be tried again", errorFields(error));
      }
    }
  };

  desk.serve("collection", runOnce);
  if (!config.enabled) return;
  const onScheduled = (wait: number): void => log.info(`Starting garbage collection in ${formatDuration(wait)}`);
  runOnSchedule(config, runScheduled, { stop, now, random, onScheduled });
}

/** Whether another replica is collecting. */
function isHeld(error: unknown): boolean {
  return error instanceof CollectError && error.cause instanceof LockHeldError;
}

function fieldsOf(result: CollectResult, milliseconds: number): Readonly<Record<string, unknown>> {
  return {
    duration: formatDuration(milliseconds),
    marked: result.marked,
    blobs: result.removedBlobs,
    manifests: result.removedManifests,
    links: result.removedLinks,
    freed: formatBytes(result.freedBytes),
    young: result.young,
    problems: result.problems,
  };
}
