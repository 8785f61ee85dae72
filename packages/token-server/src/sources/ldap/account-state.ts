import type { Entry } from "ldapts";
import { valuesOf } from "./entry.js";

/** Attributes that tell whether an account may log in: Active Directory, 389 Directory Server and FreeIPA, OpenLDAP, eDirectory. */
export const STATE_ATTRIBUTES: readonly string[] = [
  "userAccountControl",
  "accountExpires",
  "nsAccountLock",
  "pwdAccountLockedTime",
  "loginDisabled",
];

/** ACCOUNTDISABLE of userAccountControl ([MS-ADTS] §2.2.16). */
const DISABLED = 2;

/** What password policies write for an account that an administrator has locked, without an end. */
const LOCKED_FOR_GOOD = "000001010000Z";

/** Between 1601, from when Active Directory counts hundreds of nanoseconds, and 1970; in milliseconds. */
const EPOCH = 11_644_473_600_000;

/** Whether the directory says that this account may not log in any more. `now` is in milliseconds since 1970. */
export function isDisabled(entry: Entry, now: number): boolean {
  const [control] = valuesOf(entry, "userAccountControl");
  if (control !== undefined && (Number(control) & DISABLED) !== 0) return true;
  const [expires] = valuesOf(entry, "accountExpires");
  if (expires !== undefined && isPast(expires, now)) return true;
  const flags = [...valuesOf(entry, "nsAccountLock"), ...valuesOf(entry, "loginDisabled")];
  return (
    flags.some((flag) => flag.toLowerCase() === "true") ||
    valuesOf(entry, "pwdAccountLockedTime").includes(LOCKED_FOR_GOOD)
  );
}

/** 0 and the greatest number mean never. */
function isPast(expires: string, now: number): boolean {
  const end = Number(expires) / 10_000 - EPOCH;
  return Number(expires) > 0 && end < now;
}
