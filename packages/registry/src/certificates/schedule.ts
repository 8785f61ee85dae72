import { backoff, type BackoffLimits } from "@longshore/base/backoff";
import { DAY, HOUR, MINUTE, SECOND } from "@longshore/base/duration";
import type { CertificatePair } from "./pair.js";

/** How long before its end a certificate is renewed, as Distribution does it (ms) … */
const AHEAD = 30 * DAY;
/** … and at the latest when this part of its life is left: some authorities issue for days or hours. */
const LEFT = 1 / 3;

/** From when on a certificate is to be renewed (ms since 1970). */
export function renewalOf({ notBefore, notAfter }: Pick<CertificatePair, "notBefore" | "notAfter">): number {
  return notAfter - Math.min(AHEAD, (notAfter - notBefore) * LEFT);
}

/** Whether a certificate can be shown to clients. */
export function isValid(
  { notBefore, notAfter }: Pick<CertificatePair, "notBefore" | "notAfter">,
  now: number,
): boolean {
  return notBefore <= now && now < notAfter;
}

/** What became of an attempt to get a certificate. */
export type Failure =
  /** The authority gave no answer, so that it counts nothing. */
  | "unreachable"
  /** It refused, or found no proof. */
  | "refused"
  /** It said when to come back. */
  | "postponed"
  /** This program ended in the middle. */
  | "interrupted";

/** Let's Encrypt allows five failed proofs of a host in an hour, and sees two of them in an attempt by both kinds of challenge. */
const REFUSED: BackoffLimits = { first: 20 * MINUTE, longest: 12 * HOUR };
const PAUSES: Readonly<Record<Failure, BackoffLimits>> = {
  refused: REFUSED,
  postponed: REFUSED,
  unreachable: { first: 15 * SECOND, longest: 15 * MINUTE },
  interrupted: { first: 2 * MINUTE, longest: 12 * HOUR },
};

/** The longest wait that an authority may ask for (ms). One that is longer comes from a clock that was wrong. */
export const LONGEST_PAUSE = 7 * DAY;

/**
 * How long to wait after `failures` failures in a row (1 or more), in milliseconds.
 * @param asked what the authority asked for (ms); undefined: nothing
 */
export function pauseAfter(failure: Failure, failures: number, asked: number | undefined): number {
  return Math.min(LONGEST_PAUSE, Math.max(backoff(PAUSES[failure], failures, 0, 0), asked ?? 0));
}

/**
 * How long no other certificate is ordered for the host of a new one, in milliseconds: a clock that is wrong, here or there, must not
 * make one follow the other.
 */
export function restAfter({ notBefore, notAfter }: Pick<CertificatePair, "notBefore" | "notAfter">): number {
  return Math.min(HOUR, Math.max(10 * SECOND, (notAfter - notBefore) / 2));
}
