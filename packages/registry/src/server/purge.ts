import type { UploadPurgingConfig } from "../config/config.js";
import { formatDuration } from "../observability/duration.js";
import { errorFields, type Log } from "../observability/log.js";

/** Removes upload sessions that began before `olderThan`, or only counts them; tells how many, and how many it could not. */
export type PurgeUploads = (
  options: { readonly olderThan: Date; readonly dryRun: boolean },
  signal: AbortSignal,
) => Promise<{ readonly deleted: number; readonly errors: number }>;

/**
 * Runs the upload purger: first after a random 0 to 59 minutes, so that several registries don't walk a shared storage at
 * once, then on its interval (contract §5). Returns what stops it.
 */
export function startPurging(
  config: UploadPurgingConfig,
  purge: PurgeUploads,
  log: Log,
  random: () => number = Math.random,
): () => void {
  if (!config.enabled) return () => undefined;
  const stop = new AbortController();
  const jitter = Math.floor(random() * 60) * 60_000;
  log.info(`Starting upload purge in ${formatDuration(jitter)}`);
  let timer = setTimeout(run, jitter).unref();

  function run(): void {
    void runOnce().finally(() => {
      if (!stop.signal.aborted) timer = setTimeout(run, config.interval).unref();
    });
  }

  async function runOnce(): Promise<void> {
    const olderThan = new Date(Date.now() - config.age);
    log.info(`PurgeUploads starting: olderThan=${olderThan.toISOString()}, actuallyDelete=${String(!config.dryrun)}`);
    try {
      const { deleted, errors } = await purge({ olderThan, dryRun: config.dryrun }, stop.signal);
      log.info(`Purge uploads finished.  Num deleted=${deleted}, num errors=${errors}`);
      log.info(`Starting upload purge in ${formatDuration(config.interval)}`);
    } catch (error) {
      if (!stop.signal.aborted) log.error("the upload purge failed and will be tried again", errorFields(error));
    }
  }

  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}
