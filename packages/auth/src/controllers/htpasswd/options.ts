import { availableParallelism } from "node:os";
import { z } from "zod";

const milliseconds = z.number().int().min(0);

/** `auth.htpasswd`. Times are milliseconds. */
export const htpasswdOptions = z.strictObject({
  realm: z.string().min(1),
  path: z.string().min(1),
  /** What rules know this registry as; the realm where it is left out. */
  service: z.string().min(1).optional(),
  /** How long a verified password is remembered; 0: not at all. */
  cachettl: milliseconds.default(5 * 60_000),
  /** Threads that compare passwords, in each process. */
  workers: z.number().int().min(1).max(64).optional(),
  throttle: z
    .strictObject({
      disabled: z.boolean().default(false),
      attempts: z.number().int().min(1).default(10),
      delay: milliseconds.min(1).default(1_000),
      maxdelay: milliseconds.min(1).default(5 * 60_000),
    })
    .prefault({}),
});

/** Parsed {@link htpasswdOptions}. */
export type HtpasswdOptions = z.infer<typeof htpasswdOptions>;

/** One core is for the event loop; more than two threads serve guessers more than people. */
export function defaultWorkers(cores: number = availableParallelism()): number {
  return Math.max(1, Math.min(2, cores - 1));
}
