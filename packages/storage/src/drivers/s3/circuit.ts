/**
 * Spares a storage that is down, and those who wait for it: after many failures in a row every call is refused at once for a
 * while, then one is let through to see, and what becomes of it decides.
 */
export interface Circuit {
  /** 0: go ahead, and say how it went. Else how long nobody needs to try again, in milliseconds. */
  enter(): number;
  succeeded(): void;
  failed(): void;
  /** The call ended without telling anything of the storage: its caller has gone. */
  abandoned(): void;
}

/** A circuit that opens after `threshold` failures in a row (0: never), for `time` milliseconds. `now` in milliseconds. */
export function createCircuit(threshold: number, time: number, now: () => number): Circuit {
  let failures = 0;
  let openUntil: number | undefined;
  let trying = false;

  return {
    enter() {
      if (openUntil === undefined) return 0;
      const left = openUntil - now();
      if (left > 0) return left;
      if (trying) return time;
      trying = true;
      return 0;
    },
    succeeded() {
      failures = 0;
      openUntil = undefined;
      trying = false;
    },
    failed() {
      failures += 1;
      trying = false;
      if (threshold > 0 && failures >= threshold) openUntil = now() + time;
    },
    abandoned() {
      trying = false;
    },
  };
}
