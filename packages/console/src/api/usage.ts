import { flag, list, number, object, optional, record, text, type Decoded } from "./decode.js";
import { ask } from "./http.js";

const usage = object({
  repositories: number,
  tags: number,
  manifests: number,
  blobs: number,
  bytes: number,
  logicalBytes: number,
});
/** What the registry takes in the storage. */
export type Usage = Decoded<typeof usage>;

export function showUsage(signal?: AbortSignal): Promise<Usage> {
  return ask("v2/_longshore/maintenance/usage", usage, { signal });
}

const usageDay = object({ day: text, bytes: number });
/** What was stored on a day (`2026-11-30`, UTC). */
export type UsageDay = Decoded<typeof usageDay>;

/** Oldest first. */
export async function showHistory(signal?: AbortSignal): Promise<readonly UsageDay[]> {
  return (await ask("v2/_longshore/maintenance/history", object({ days: list(usageDay) }), { signal })).days;
}

const run = object({
  id: text,
  job: text,
  state: text,
  dryRun: flag,
  startedBy: optional(text),
  started: text,
  updated: text,
  progress: optional(object({ phase: text, done: number, total: optional(number), freedBytes: optional(number) })),
  result: optional(record(number)),
  error: optional(text),
});
/** One run of a job. */
export type Run = Decoded<typeof run>;

export const JOBS = ["collection", "retention"] as const;
export type Job = (typeof JOBS)[number];

const RUNS = "v2/_longshore/maintenance/runs";

/** The latest runs, newest first. */
export async function listRuns(signal?: AbortSignal): Promise<readonly Run[]> {
  return (await ask(RUNS, object({ runs: list(run) }), { signal })).runs;
}

/** Starts a job, or finds the run that is on. */
export function startRun(job: Job, isDryRun: boolean): Promise<Run> {
  return ask(RUNS, run, { method: "POST", query: { job, dryrun: isDryRun } });
}
