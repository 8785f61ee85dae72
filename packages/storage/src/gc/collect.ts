import type { StorageDriver } from "../contract/driver.js";
import { BLOBS_DIRECTORY, REPOSITORIES_DIRECTORY } from "../layout/paths.js";
import { orUndefined } from "../store/shared/links.js";
import { openEnvironment, type CollectorEnvironment } from "./environment.js";
import { countCandidates, lookAtBlobs, markAliases } from "./look.js";
import { markRepository } from "./mark.js";
import type { CollectOptions, CollectResult } from "./options.js";
import { allRepositories } from "./repositories.js";
import { BUCKETS, createReport, createRun, type Run } from "./run-state.js";
import { sweepBucket, sweepLinks } from "./sweep-blobs.js";
import { sweepRemoved } from "./sweep-removed.js";
import { sweepRevisions } from "./sweep-revisions.js";
import { openEmptyWorkFiles } from "./work-files.js";

/** A collection failed or was aborted; `step` in Distribution's words. What it had removed by then was unused. */
export class CollectError extends Error {
  override readonly name = "CollectError";
  readonly step: "mark" | "sweep";

  constructor(step: "mark" | "sweep", cause: unknown) {
    super(`failed to ${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.step = step;
  }
}

/**
 * Removes what no manifest refers to (docs/protocols/collection.md §Garbage collection while serving), beside any number of
 * registries; over real files also concurrently with other collections, over object storage only one at a time. After an
 * interrupted collection everything is marked again, because what was unused may be needed since. Throws CollectError; nothing
 * is removed if marking fails. `signal` aborts it with the signal's reason.
 */
export async function collectGarbage(driver: StorageDriver, options: CollectOptions): Promise<CollectResult> {
  const report = createReport(options.observer);
  if (!(await isUsed(driver, options))) {
    report.line("");
    report.line("0 blobs marked, 0 blobs and 0 manifests eligible for deletion");
    return report.counts;
  }
  const environment = await step("mark", options.signal, () => openEnvironment(driver, options));
  try {
    return await collect(environment, options);
  } finally {
    await environment.close();
  }
}

async function collect({ start, ...stage }: CollectorEnvironment, options: CollectOptions): Promise<CollectResult> {
  const work = await openEmptyWorkFiles(options.workDirectory);
  const run = createRun(stage, work, options, start);
  await step("mark", options.signal, () => mark(run));
  await step("sweep", options.signal, () => sweep(run));
  await work.remove();
  return run.report.counts;
}

/** Whether anything was ever stored: a collection doesn't write to an empty storage. */
async function isUsed(driver: StorageDriver, { signal }: CollectOptions): Promise<boolean> {
  const found = await step("mark", signal, () =>
    Promise.all([REPOSITORIES_DIRECTORY, BLOBS_DIRECTORY].map((path) => orUndefined(driver.stat(path, { signal })))),
  );
  return found.some((info) => info !== undefined);
}

async function step<T>(name: "mark" | "sweep", signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted === true) signal.throwIfAborted();
    throw error instanceof CollectError ? error : new CollectError(name, error);
  }
}

async function mark(run: Run): Promise<void> {
  for await (const name of allRepositories(run.store, run.call)) {
    run.signal?.throwIfAborted();
    await markRepository(name, run);
  }
  await run.work.flush();
  await markAliases(run);
}

async function sweep(run: Run): Promise<void> {
  const { report, work } = run;
  await sweepRevisions(run);
  await work.flush();
  await lookAtBlobs(run);
  const counts = await countCandidates(run);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  report.counts.eligibleBlobs = total;
  const { marked, eligibleManifests } = report.counts;
  report.line("");
  report.line(`${marked} blobs marked, ${total} blobs and ${eligibleManifests} manifests eligible for deletion`);
  for (const bucket of BUCKETS) if (counts.has(bucket)) await sweepBucket(bucket, run, total);
  for (const bucket of BUCKETS) await sweepLinks(bucket, run);
  await sweepRemoved(run);
}
