/** When an endpoint that fails is tried again. */
export interface RetryPolicy {
  /** Failures in a row before it is left alone for `backoff`. */
  readonly threshold: number;
  /** ms */
  readonly backoff: number;
}

/** The wait after a first failure (ms); the original doesn't wait at all below the threshold. */
const FIRST = 20;

/**
 * How long to wait after so many failures in a row (ms). Below the threshold short and doubling, never longer than the
 * backoff; from then on the backoff and up to a quarter more, so that registries which failed together don't come back
 * together.
 */
export function pauseAfter(failures: number, { threshold, backoff }: RetryPolicy, random: () => number): number {
  if (failures >= threshold) return Math.round(backoff * (1 + random() / 4));
  return Math.round(Math.min(FIRST * 2 ** Math.min(failures - 1, 20), backoff) * (1 + random()) * 0.5);
}
