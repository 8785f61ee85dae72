import type { Clock } from "@longshore/auth";
import { LRUCache } from "lru-cache";

/** How long what was read holds (ms). With the time to read it, a revocation is seen by every process within a second. */
const FRESH = 500;

const REMEMBERED = 10_000;

/** Values of a storage as they are now, or were half a second ago. */
export interface RecentReads<T> {
  /** Undefined: there is none, which isn't remembered. Rejects with what the read throws. */
  find(key: string): Promise<T | undefined>;
  /** The same without a wait: undefined also if it isn't remembered. */
  recall(key: string): T | undefined;
  forget(): void;
}

interface Known<T> {
  readonly value: T;
  readonly since: number;
}

/** One `read` for all who want the same key at the same time, and none for those who come just afterwards. */
export function createRecentReads<T extends object | number>(
  read: (key: string) => Promise<T | undefined>,
  clock: Clock,
): RecentReads<T> {
  const known = new LRUCache<string, Known<T>>({ max: REMEMBERED });
  const reading = new Map<string, Promise<T | undefined>>();

  function recall(key: string): T | undefined {
    const found = known.get(key);
    if (found === undefined) return undefined;
    const age = clock() - found.since;
    // A clock that was set back doesn't lengthen it.
    return age >= 0 && age < FRESH ? found.value : undefined;
  }

  async function look(key: string): Promise<T | undefined> {
    // From before the read: what is revoked meanwhile must not hold for longer.
    const since = clock();
    const value = await read(key);
    if (value === undefined) known.delete(key);
    else known.set(key, { value, since });
    return value;
  }

  return {
    recall,
    find(key) {
      const value = recall(key);
      if (value !== undefined) return Promise.resolve(value);
      const under = reading.get(key) ?? look(key).finally(() => reading.delete(key));
      reading.set(key, under);
      return under;
    },
    forget: () => known.clear(),
  };
}
