/** Limits of an exponential backoff, in milliseconds. */
export interface BackoffLimits {
  readonly first: number;
  readonly longest: number;
}

/**
 * The pause before the next attempt after `failures` failures in a row (1 or more), in milliseconds: doubles from `first`
 * up to `longest`, then varies by `jitter`, so that clients that failed together don't return together.
 * @param jitter the part of the pause that is random: 1 is "full jitter", 0 none
 * @param random a number from 0 to 1, exclusive
 */
export function backoff({ first, longest }: BackoffLimits, failures: number, jitter: number, random: number): number {
  const pause = Math.min(longest, first * 2 ** Math.min(failures - 1, 30));
  return pause * (1 - jitter + jitter * random);
}
