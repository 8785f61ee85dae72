import type { UploadPurgingConfig } from "../../config/config.js";
import { formatDuration } from "../../observability/duration.js";
import { errorFields, type Log } from "../../observability/log.js";

/** Removes upload sessions that began before `olderThan`, or only counts them. Returns how many, and how many failed. */
export type PurgeUploads = (options: {
  readonly olderThan: Date;
  readonly dryRun: boolean;
}) => Promise<{ readonly deleted: number; readonly errors: number }>;

export interface PurgingPorts {
  readonly log: Log;
  /** Starts no further run; a failure of the current one isn't logged. */
  readonly stop: AbortSignal;
  readonly random?: () => number;
}

/**
 * Runs the upload purger: first after a random 0 to 59 minutes, so that several registries don't walk a shared storage at
 * once, then at its interval (wire contract §5).
 */
export function startPurging(config: UploadPurgingConfig, purge: PurgeUploads, ports: PurgingPorts): void {
  if (!config.enabled) return;
  const { log, stop, random = Math.random } = ports;
  const jitter = Math.floor(random() * 60) * 60_000;
  log.info(`Starting upload purge in ${formatDuration(jitter)}`);
  let timer = setTimeout(run, jitter).unref();
  stop.addEventListener("abort", () => clearTimeout(timer), { once: true });

  function run(): void {
    void runOnce().finally(() => {
      if (!stop.aborted) timer = setTimeout(run, config.interval).unref();
    });
  }

  async function runOnce(): Promise<void> {
    const olderThan = new Date(Date.now() - config.age);
    log.info(`PurgeUploads starting: olderThan=${olderThan.toISOString()}, actuallyDelete=${String(!config.dryrun)}`);
    try {
      const { deleted, errors } = await purge({ olderThan, dryRun: config.dryrun });
      log.info(`Purge uploads finished.  Num deleted=${deleted}, num errors=${errors}`);
      log.info(`Starting upload purge in ${formatDuration(config.interval)}`);
    } catch (error) {
      if (!stop.aborted) log.error("the upload purge failed and will be tried again", errorFields(error));
    }
  }
}
