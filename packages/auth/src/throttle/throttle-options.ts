import { duration, flag, integer, section } from "@longshore/options/declare";
import type { z } from "zod";
import type { Clock, ControllerPorts } from "../ports.js";
import { createLoginLedger, createSharedLedger, type LoginLedger } from "./login-ledger.js";
import type { LoginRegistrar } from "./login-registrar.js";
import { createLoginThrottle, NO_THROTTLE, type LoginThrottle } from "./login-throttle.js";

/** The option `throttle` of a password source. */
export const throttleOption = section(
  {
    disabled: flag(false, "Allows unlimited attempts to guess passwords."),
    attempts: integer(
      10,
      { min: 1, max: 10_000 },
      "Consecutive failures before an address, or a user from that address, has to wait.",
    ),
    delay: duration("1s", "The first wait; each further failure doubles it.", { min: 100 }),
    maxdelay: duration("5m", "The longest wait.", { min: 100 }),
  },
  "Throttles failed logins: guessing is answered with 429 and `Retry-After`.",
  { untyped: true, unknownKeys: "error", ours: true },
).prefault({});

/** Parsed {@link throttleOption}; times in milliseconds. */
export type ThrottleOptions = z.output<typeof throttleOption>;

/** Opens the record of failed logins of one process, backed by the shared one if there is one. */
export function openLoginLedger(
  options: ThrottleOptions,
  { clock, logins }: Pick<ControllerPorts, "clock" | "logins">,
): LoginLedger {
  if (options.disabled) return createLoginLedger(NO_THROTTLE);
  const throttle = createThrottle(options, clock);
  return logins === undefined
    ? createLoginLedger(throttle)
    : createSharedLedger({ throttle, registrar: logins, clock });
}

/** The record of failed logins that several processes share; undefined if throttling is disabled. */
export function createLoginRegistrar(options: ThrottleOptions, clock: Clock): LoginRegistrar | undefined {
  return options.disabled ? undefined : createLoginLedger(createThrottle(options, clock));
}

function createThrottle({ attempts, delay, maxdelay }: ThrottleOptions, clock: Clock): LoginThrottle {
  return createLoginThrottle({ clock, attempts, delay, maxDelay: maxdelay });
}
