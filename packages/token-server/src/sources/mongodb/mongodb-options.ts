import { duration, flag, optionalInteger, positiveDuration } from "@longshore/options/declare";
import { connectionOptions } from "../../mongodb/connection-options.js";

/** `mongodb`. */
export const mongodbOptions = {
  ...connectionOptions,
  labelpatterns: flag(
    false,
    "Label values that rules insert (`${labels:K}`) are patterns, as in docker_auth, and not literal text.",
  ),
  timeout: positiveDuration("15s", "How long a login may take, including its wait in the queue."),
  cachettl: duration(
    "1m",
    "How long a successful login is remembered, as a keyed digest and never as a password; 0: not at all.",
    { max: 3_600_000 },
  ),
  workers: optionalInteger({ min: 1, max: 64 }, "Threads that verify passwords, in each process.", {
    fallback: "what the cores allow",
  }),
};
