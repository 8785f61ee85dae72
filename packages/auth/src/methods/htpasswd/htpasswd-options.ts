import { grantedMachine } from "@longshore/base/machine";
import { duration, optionalInteger, requiredText, text } from "@longshore/options/declare";
import type { z } from "zod";
import { throttleOption } from "../../throttle/throttle-options.js";

/** `auth.htpasswd`. */
export const htpasswdOptions = {
  realm: requiredText("The realm of the challenge: what clients show when they ask for a password."),
  path: requiredText(
    "The file: lines `user:bcrypt-hash`, as `htpasswd -B` writes them. If it is missing it is created, with a generated " +
      "password that the log shows once. Changes take effect without a restart.",
    { file: "create" },
  ),
  service: text("The `service` of tokens if rules admit anonymous users; rules may match it.", {
    fallback: "the realm",
    ours: true,
  }),
  cachettl: duration("5m", "How long a verified password is remembered; 0 disables this.", {}, { ours: true }),
  workers: optionalInteger({ min: 1, max: 64 }, "Threads that verify passwords, in each process.", {
    fallback: "one less than the cores, from 1 to 2",
    ours: true,
  }),
  throttle: throttleOption,
};

/** Parsed {@link htpasswdOptions}; times in milliseconds. */
export type HtpasswdOptions = z.output<z.ZodObject<typeof htpasswdOptions>>;

/** One core is left to the event loop. More than two threads would mostly serve attackers who guess passwords. */
export function defaultWorkers(cores: number = grantedMachine().cores): number {
  return Math.max(1, Math.min(2, cores - 1));
}
