import { MINUTE } from "@longshore/base/duration";
import type { Digest } from "@longshore/storage";

/** What a process is doing, and has found out, for lists of files. */
export interface LayerReads {
  /** Until the answer is sent: one that isn't read takes memory. */
  underWay: number;
  readonly unusable: UnusableTables;
}

/** Layers whose own table can't be used, so that it isn't read for each viewer. */
export interface UnusableTables {
  has(digest: Digest): boolean;
  add(digest: Digest): void;
}

/** The oldest is forgotten for another one. */
const MAX_TABLES = 1000;
/** A slow storage may have been the reason. */
const LIFETIME = 10 * MINUTE;

/** `clock`: ms, monotonic. */
export function createLayerReads(clock: () => number = () => performance.now()): LayerReads {
  const until = new Map<Digest, number>();
  return {
    underWay: 0,
    unusable: {
      has: (digest) => (until.get(digest) ?? -Infinity) > clock(),
      add(digest) {
        until.delete(digest);
        until.set(digest, clock() + LIFETIME);
        const [oldest] = until.keys();
        if (until.size > MAX_TABLES && oldest !== undefined) until.delete(oldest);
      },
    },
  };
}
