import type { UploadPurgingConfig } from "../config/config.js";
import { formatDuration } from "../observability/duration.js";
import { errorFields, type Log } from "../observability/log.js";

/** Removes upload sessions that began before `before`; with `dryRun` it only counts. */
export type PurgeUploads = (options: {
  readonly before: Date;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}) => Promise<{ readonly deleted: readonly string[]; readonly errors: readonly unknown[] }>;

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
    const before = new Date(Date.now() - config.age);
    log.info(`PurgeUploads starting: olderThan=${before.toISOString()}, actuallyDelete=${String(!config.dryrun)}`);
    try {
      const { deleted, errors } = await purge({ before, dryRun: config.dryrun, signal: stop.signal });
      for (const error of errors) log.error("an upload could not be purged", errorFields(error));
      log.info(`Purge uploads finished.  Num deleted=${deleted.length}, num errors=${errors.length}`);
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
