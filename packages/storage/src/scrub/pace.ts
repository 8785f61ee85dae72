import { setTimeout as delay } from "node:timers/promises";

/** The longest single pause (ms). */
const LONGEST = 1000;

/** Bounds how many bytes are read in a second. */
export interface Pace {
  /** Resolves when `bytes` more may be read. Rejects if the signal aborts. */
  take(bytes: number): Promise<void>;
}

/** `rate` in bytes per second; undefined: no bound. `now` in ms. */
export function createPace(
  rate: number | undefined,
  signal: AbortSignal | undefined,
  now: () => number = () => performance.now(),
): Pace {
  /** When everything that was taken has been paid for. */
  let paid = now();
  return {
    take: async (bytes) => {
      signal?.throwIfAborted();
      if (rate === undefined) return;
      paid = Math.max(paid, now()) + (bytes / rate) * 1000;
      for (let left = paid - now(); left > 0; left = Math.min(left - LONGEST, paid - now())) {
        await delay(Math.min(left, LONGEST), undefined, { signal });
      }
    },
  };
}
