import { HOUR, SECOND } from "@longshore/base/duration";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobName } from "./run.js";
import type { Runs } from "./runs.js";

/** How long jobs that are due at the same moment take to be written down, and how often is looked (ms). */
const EVERY = 5 * SECOND;

/** Nothing waits longer for another job (ms). */
const LONGEST = HOUR;

interface IdlePorts {
  readonly runs: Pick<Runs, "list">;
  readonly stop: AbortSignal;
  /** ms */
  readonly every?: number | undefined;
}

/**
 * Resolves when no process or replica runs `job`, dry runs aside; also if that can't be known, or after an hour. Looks for the first time after
 * some seconds, when a run that is due at the same moment has been written down.
 */
export async function untilIdle(job: JobName, { runs, stop, every = EVERY }: IdlePorts): Promise<void> {
  const deadline = performance.now() + LONGEST;
  try {
    do await sleep(every, undefined, { signal: stop, ref: false });
    while (performance.now() < deadline && (await isRunning(job, runs)));
  } catch {
    // The registry stops, or the storage is away: the waiting job meets the same error.
  }
}

async function isRunning(job: JobName, runs: Pick<Runs, "list">): Promise<boolean> {
  return (await runs.list()).some((run) => run.job === job && run.state === "running" && !run.dryRun);
}
