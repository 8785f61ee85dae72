import { duration, integer, key, positiveDuration } from "@longshore/options/declare";
import { z } from "zod";

/** Options of a chain of sources, beside the list of their names. */
export const chainOptions = {
  fallthrough: key(z.array(z.enum(["failed", "unavailable"])).default([]), {
    meaning:
      "When the next source is asked although this one has the account or can't decide: `failed` after a wrong password, " +
      "`unavailable` while a source is down. Without either, the first source that knows an account decides, as in docker_auth.",
    type: "list of strings",
    allowed: "a list of failed and unavailable",
    ours: true,
  }),
  failuredelay: duration(
    "500ms",
    "Failed logins are answered after a multiple of this time, so that response times don't reveal whether an account exists; 0: at once.",
    { max: 60_000 },
    { ours: true },
  ),
};

/** Parsed {@link chainOptions}; times in milliseconds. */
export type ChainOptions = z.output<z.ZodObject<typeof chainOptions>>;

/** What a source's limits are by default. */
interface LimitDefaults {
  readonly timeout: string;
  readonly concurrency: number;
  readonly cachettl: string;
}

/** The options of a source that become its limits, for kinds of sources to declare among their own. */
export function limitOptions({ timeout, concurrency, cachettl }: LimitDefaults) {
  return {
    timeout: positiveDuration(timeout, "How long a login may take, including its wait in the queue."),
    concurrency: integer(concurrency, { min: 1, max: 1024 }, "Concurrent logins in each process."),
    cachettl: duration(
      cachettl,
      "How long a successful login is remembered, as a keyed digest and never as a password. Removed accounts and changed " +
        "passwords are noticed within this time; 0: at once.",
      { max: 3_600_000 },
    ),
  };
}
