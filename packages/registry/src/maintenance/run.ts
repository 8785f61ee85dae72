import { z } from "zod";

/** What can be run by a request, and on a schedule. */
export const JOBS = ["collection", "retention"] as const;
export type JobName = (typeof JOBS)[number];

const time = z.iso.datetime();

/** One run of a job, as it is kept in the storage and shown by the API. Unknown members are dropped: a newer version may add some. */
export const runSchema = z.object({
  id: z.string(),
  job: z.enum(JOBS),
  state: z.enum(["running", "done", "failed", "stopped"]).meta({
    description: "`stopped`: the registry was stopped, or its process ended, in the middle of it.",
  }),
  dryRun: z.boolean(),
  startedBy: z.string().optional().meta({ description: "The account that asked for it; absent for one on schedule." }),
  started: time,
  updated: time,
  progress: z
    .object({
      phase: z.string(),
      done: z.int(),
      total: z.int().optional().meta({ description: "Absent while it isn't known." }),
      freedBytes: z.int().optional(),
    })
    .optional(),
  result: z.record(z.string(), z.number()).optional().meta({ description: "What it did, or would have done." }),
  error: z.string().optional(),
});

export type Run = z.infer<typeof runSchema>;
export type RunProgress = NonNullable<Run["progress"]>;

/** A run that hasn't been heard of for so long (ms) has ended with its process. */
const SILENCE = 60_000;

/** The run in a record; undefined if it isn't one. `now` is in ms since 1970. */
export function parseRun(bytes: Uint8Array, now: number): Run | undefined {
  const parsed = runSchema.safeParse(jsonOf(bytes));
  if (!parsed.success) return undefined;
  const run = parsed.data;
  const isLost = run.state === "running" && now - Date.parse(run.updated) > SILENCE;
  return isLost ? { ...run, state: "stopped" } : run;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
