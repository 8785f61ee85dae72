import { LRUCache } from "lru-cache";
import { decide, type Rate } from "./gcra.js";

/** One limit that a request meets. */
export interface Take extends Rate {
  /** The rule and the client. */
  readonly key: string;
  /** 0 only looks. */
  readonly cost: number;
  /** Whether the cost counts in any case: what it is for has happened. */
  readonly due?: boolean | undefined;
}

/** What came of a {@link Take}. */
export interface Taken {
  readonly allowed: boolean;
  readonly remaining: number;
  /** ms until it would be allowed. */
  readonly wait: number;
}

/** Counts what clients do. Never rejects: what counts elsewhere counts here while that is unavailable. */
export interface LimitCounter {
  /** Counts all of `takes`, or none if one isn't allowed. */
  take(takes: readonly Take[]): Promise<readonly Taken[]> | readonly Taken[];
}

/** Counts in this process's memory, for at most `maxClients` keys. `now` is a clock in ms that never goes back. */
export function createLocalCounter(maxClients: number, now: () => number): LimitCounter {
  const standings = new LRUCache<string, number>({ max: maxClients });
  return {
    take(takes) {
      const time = now();
      const results = takes.map((take) => ({
        take,
        standing: decide(standings.get(take.key), take.cost, take, time, take.due),
      }));
      if (results.every(({ standing }) => standing.allowed)) {
        for (const { take, standing } of results) {
          if (standing.freeAt > time) standings.set(take.key, standing.freeAt);
        }
      }
      return results.map(({ standing: { allowed, remaining, wait } }) => ({ allowed, remaining, wait }));
    },
  };
}
