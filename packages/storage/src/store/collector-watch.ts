import { abortable } from "../abort.js";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { COLLECTOR_LOCK } from "../layout/collector-files.js";
import { parseCollectorLock } from "../layout/collector-lock.js";
import { orUndefined } from "./links.js";

/** For how long a process may rely on having seen no collector (ms). */
const SEEN_FOR = 10_000;

/** For how long a collector does nothing after it has taken the lock (ms): longer than anybody relies on not having seen it. */
export const COLLECTOR_WAITS = SEEN_FOR + 2000;

const MAX_LOCK_BYTES = 64 * 1024;

/** What was known of collectors at a moment. */
interface Sight {
  /** Whether one worked, or had died. */
  readonly working: boolean;
  /** The runs that may have hidden files. */
  readonly runs: readonly string[];
  /** When it was asked, by the clock that people set and by the one that only grows (ms). */
  readonly asked: { readonly wall: number; readonly steady: number };
}

/** Knows whether a collector works, by one small read every few seconds at most. One for a process. */
export interface CollectorWatch {
  /** What is known, asked for anew where that is older than `maxAge` (ms). */
  look(options?: CallOptions & { readonly maxAge?: number }): Promise<Sight>;
  /** Half of the time for which it counts (ms): what is to begin now wants the rest. */
  readonly halfLife: number;
  /** What is known without asking. */
  readonly last: Sight | undefined;
  /**
   * Whether no collector can have removed or hidden anything since `sight`: it saw none, and one that came later still waits.
   */
  isQuiet(sight: Sight | undefined): boolean;
}

export function watchCollectors(driver: StorageDriver, seenFor: number = SEEN_FOR): CollectorWatch {
  let last: Sight | undefined;
  let asking: Promise<Sight> | undefined;

  const ask = async (): Promise<Sight> => {
    // Before the request: what it brings is at least as new as this.
    const asked = { wall: Date.now(), steady: performance.now() };
    const bytes = await orUndefined(driver.read(COLLECTOR_LOCK, { limit: MAX_LOCK_BYTES }));
    last = { working: bytes !== undefined, runs: bytes === undefined ? [] : parseCollectorLock(bytes).runs, asked };
    return last;
  };

  const isYounger = ({ asked }: Sight, age: number): boolean => {
    // A machine that slept may stop the one clock, and somebody may set the other: each alone can hide that time went by.
    const steady = performance.now() - asked.steady;
    const wall = Date.now() - asked.wall;
    return steady < age && wall < age;
  };

  return {
    look: async ({ signal, maxAge = seenFor } = {}) => {
      if (last !== undefined && isYounger(last, Math.min(maxAge, seenFor))) return last;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return abortable(asking, signal);
    },
    halfLife: seenFor / 2,
    get last() {
      return last;
    },
    isQuiet: (sight) => sight !== undefined && !sight.working && isYounger(sight, seenFor),
  };
}
