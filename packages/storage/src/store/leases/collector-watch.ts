import { KIB } from "@longshore/base/size";
import { abortable } from "@longshore/base/abort";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { COLLECTOR_LOCK } from "../../layout/collector-files.js";
import { parseCollectorLock } from "../../layout/collector-lock.js";
import { orUndefined } from "../shared/links.js";

/** How long a process may rely on having seen no collector (ms). */
const SEEN_FOR = 10_000;

/** How long a collector waits after it has taken the lock (ms): longer than any process relies on not having seen it. */
export const COLLECTOR_WAITS = SEEN_FOR + 2000;

const MAX_LOCK_BYTES = 64 * KIB;

/** What was known about collectors at one moment. */
interface Sight {
  /** Whether one was working, or had died. */
  readonly working: boolean;
  /** The runs that may have hidden files. */
  readonly runs: readonly string[];
  /** When the storage was asked, by the system clock and by the monotonic one (ms). */
  readonly asked: { readonly wall: number; readonly steady: number };
}

/** Knows whether a collector is working, by at most one small read every few seconds. Create it once in a process. */
export interface CollectorWatch {
  /** What is known; the storage is asked again if that is older than `maxAge` (ms). */
  look(options?: CallOptions & { readonly maxAge?: number }): Promise<Sight>;
  /** Half of the time for which the result is valid (ms): an operation that starts now needs the rest. */
  readonly halfLife: number;
  /** What is known without asking the storage. */
  readonly last: Sight | undefined;
  /**
   * Whether no collector can have removed or hidden anything since `sight`: there was none then, and a later one still waits.
   */
  isQuiet(sight: Sight | undefined): boolean;
}

export function watchCollectors(driver: StorageDriver, seenFor: number = SEEN_FOR): CollectorWatch {
  let last: Sight | undefined;
  let asking: Promise<Sight> | undefined;

  const ask = async (): Promise<Sight> => {
    // Before the request, whose result is at least as new as this.
    const asked = { wall: Date.now(), steady: performance.now() };
    const bytes = await orUndefined(driver.read(COLLECTOR_LOCK, { limit: MAX_LOCK_BYTES }));
    last = { working: bytes !== undefined, runs: bytes === undefined ? [] : parseCollectorLock(bytes).runs, asked };
    return last;
  };

  const isYounger = ({ asked }: Sight, age: number): boolean => {
    // Suspending the machine may stop one clock, and the other one can be set: either alone may hide that time has passed.
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
