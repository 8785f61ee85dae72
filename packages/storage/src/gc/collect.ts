import type { StorageDriver } from "../contract/driver.js";
import { BLOBS_DIRECTORY, REPOSITORIES_DIRECTORY } from "../layout/paths.js";
import { orUndefined } from "../store/links.js";
import { openGround, type Ground } from "./ground.js";
import { countCandidates, lookAtBlobs, markAliases } from "./look.js";
import { markRepository } from "./mark.js";
import { noteOf, readNote, type Note } from "./note.js";
import type { CollectOptions, CollectResult } from "./options.js";
import { allRepositories } from "./repositories.js";
import { BUCKETS, createReport, createRun, type Run } from "./run.js";
import { sweepBucket, sweepLinks } from "./sweep-blobs.js";
import { sweepRevisions } from "./sweep-revisions.js";
import { openWorkFiles } from "./work-files.js";

/** A collection that ended before its time; `step` in the original's words. What was removed by then was unused. */
export class CollectError extends Error {
  override readonly name = "CollectError";
  readonly step: "mark" | "sweep";

  constructor(step: "mark" | "sweep", cause: unknown) {
    super(`failed to ${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.step = step;
  }
}

/** Repositories between two notes of what is done. */
const NOTED_AFTER = 64;

/**
 * Removes what no manifest refers to (docs/architecture.md §Garbage collection while serving), beside any number of
 * registries; over real files also beside other collections, over object storage one at a time. An interrupted collection is
 * gone on with where the work directory has its notes. Throws CollectError; nothing is removed where the marking failed.
 * `signal` ends it with the signal's reason.
 */
export async function collectGarbage(driver: StorageDriver, options: CollectOptions): Promise<CollectResult> {
  const report = createReport(options.observer);
  if (!(await isUsed(driver, options))) {
    report.line("");
    report.line("0 blobs marked, 0 blobs and 0 manifests eligible for deletion");
    return { ...report.counts, resumed: false };
  }
  const ground = await step("mark", options.signal, () => openGround(driver, options));
  try {
    return await collect(ground, options);
  } finally {
    await ground.close();
  }
}

async function collect(ground: Ground, options: CollectOptions): Promise<CollectResult> {
  const work = await openWorkFiles(options.workDirectory);
  const found = ground.canResume ? await readNote(work, options) : undefined;
  if (found === undefined) await work.remove();
  const files = found === undefined ? await openWorkFiles(options.workDirectory) : work;
  const start = found?.start ?? ground.start;
  const run = createRun(ground.stage(start), files, options, start);
  const note: Note = found ?? { start, marked: false, swept: 0 };
  if (!note.marked) await step("mark", options.signal, () => mark(run, note));
  await step("sweep", options.signal, () => sweep(run, { ...note, marked: true }));
  await files.remove();
  return { ...run.report.counts, resumed: found !== undefined };
}

/** Whether anything was ever stored: nothing is written to a storage where nothing is. */
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

async function mark(run: Run, note: Note): Promise<void> {
  const { work, call, store, options, signal } = run;
  const done = new Set<string>();
  for await (const name of work.lines("done")) done.add(name);
  let waiting: string[] = [];
  /** What a repository needs is written before it counts as done. */
  const settle = async (): Promise<void> => {
    await work.flush();
    for (const name of waiting) work.append("done", name);
    waiting = [];
    await work.flush();
  };
  await work.writeNote(noteOf(options, note));
  try {
    for await (const name of allRepositories(store, call)) {
      signal?.throwIfAborted();
      if (done.has(name)) continue;
      await markRepository(name, run);
      waiting.push(name);
      if (waiting.length >= NOTED_AFTER) await settle();
    }
  } finally {
    await settle();
  }
  await markAliases(run);
  await work.writeNote(noteOf(options, { ...note, marked: true }));
}

async function sweep(run: Run, note: Note): Promise<void> {
  const { report, work, options } = run;
  if (note.swept === 0) {
    await sweepRevisions(run);
    await work.flush();
    await lookAtBlobs(run);
  }
  const counts = await countCandidates(run);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  report.counts.eligibleBlobs = total;
  const { marked, eligibleManifests } = report.counts;
  report.line("");
  report.line(`${marked} blobs marked, ${total} blobs and ${eligibleManifests} manifests eligible for deletion`);
  for (const [index, bucket] of BUCKETS.entries()) {
    if (index + 1 < note.swept || !counts.has(bucket)) continue;
    if (options.dryRun !== true) await work.writeNote(noteOf(options, { ...note, swept: index + 1 }));
    await sweepBucket(bucket, run, total);
  }
  for (const bucket of BUCKETS) await sweepLinks(bucket, run);
}
