import { backoff as exponential } from "@longshore/base/backoff";

/** When a failing endpoint is tried again. */
export interface RetryPolicy {
  /** Consecutive failures before it is left alone for `backoff`. */
  readonly threshold: number;
  /** ms */
  readonly backoff: number;
}

/** The pause after a first failure (ms); Distribution doesn't pause at all below the threshold. */
const FIRST = 20;

/**
 * How long to wait after so many consecutive failures (ms). Below the threshold the pause is short and doubles, up to the
 * backoff; from then on it is the backoff plus up to a quarter, so that registries that failed together don't retry
 * together.
 */
export function pauseAfter(failures: number, { threshold, backoff }: RetryPolicy, random: () => number): number {
  if (failures >= threshold) return Math.round(backoff * (1 + random() / 4));
  return Math.round(exponential({ first: FIRST, longest: backoff }, failures, 0.5, random()));
}
