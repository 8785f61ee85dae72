import { duration, positiveDuration } from "@longshore/options/declare";
import { DAY } from "@longshore/base/duration";
import type { z } from "zod";

/** The options of the kind `personal`. */
export const personalOptions = {
  maxlifetime: duration(
    "8760h",
    "The longest time that a person's token may be valid; 0: any, including forever. Robots' tokens end when their creator says.",
    { max: 36_500 * DAY },
  ),
  recheck: positiveDuration(
    "5m",
    "How often a source is asked whether it still has an account whose token is being used.",
  ),
  grace: duration("1h", "How long tokens stay valid while that source is down."),
};

/** Parsed {@link personalOptions}; times in milliseconds. */
export type PersonalOptions = z.output<z.ZodObject<typeof personalOptions>>;
