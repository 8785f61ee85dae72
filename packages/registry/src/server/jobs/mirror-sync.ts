import type { CopyObserver, CopyResult } from "@longshore/mirror";
import type { SyncConfig } from "../../config/config.js";
import { SyncUnderWayError } from "../../copying/run-sync.js";
import { describeCopy } from "../../copying/summary.js";
import { formatDuration } from "../../observability/duration.js";
import { errorFields, type Log } from "../../observability/log.js";
import { runOnSchedule } from "./schedule.js";

/** Copies once what `proxy.sync` names. */
export type Sync = (observer: CopyObserver) => Promise<CopyResult>;

export interface SyncingPorts {
  readonly log: Log;
  /** Ends the current run, and starts no more. */
  readonly stop: AbortSignal;
  /** ms since 1970. */
  readonly now?: () => number;
  readonly random?: () => number;
}

/** Runs `proxy.sync` on its schedule. */
export function startSyncing(config: SyncConfig, sync: Sync, ports: SyncingPorts): void {
  const { log, stop, now = Date.now, random = Math.random } = ports;
  const observer: CopyObserver = {
    copied: (source, target) => log.info("copied", { source, target }),
    failed: (source, error) => log.error("copying failed", { source, ...errorFields(error) }),
    waiting: (seconds, reason) => log.warn("copying waits", { seconds, reason }),
  };

  const run = async (): Promise<void> => {
    const began = now();
    log.info("mirror sync starting", { entries: config.entries.length });
    try {
      const result = await sync(observer);
      const duration = formatDuration(now() - began);
      log.info(`mirror sync finished: ${describeCopy(result, false)}`, { duration, failed: result.failed });
    } catch (error) {
      if (stop.aborted) return;
      // Another worker or replica is running it.
      if (error instanceof SyncUnderWayError) log.info("mirror sync skipped", errorFields(error));
      else log.error("the mirror sync failed and will be tried again", errorFields(error));
    }
  };

  const onScheduled = (wait: number): void => log.info(`Starting mirror sync in ${formatDuration(wait)}`);
  runOnSchedule(config, run, { stop, now, random, onScheduled });
}
