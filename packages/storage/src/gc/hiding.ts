import { randomUUID } from "node:crypto";
import type { StorageDriver, Touching } from "../contract/driver.js";
import { condemnedPath } from "../layout/condemned.js";
import { orUndefined } from "../store/links.js";

/** What became of a file that was to be removed. */
export type Verdict = "removed" | "kept" | "missing";

/** A file that is out of sight. */
export interface HiddenFile {
  readonly path: string;
  /** Where it is. */
  readonly at: string;
}

/**
 * How a collector removes files that somebody may come to rely on at any moment: hidden, looked at once more, and then put
 * back or removed for good (docs/architecture.md §Garbage collection while serving).
 */
export interface Hiding {
  /** Hides the file at `path`; undefined where none was. */
  hide(path: string): Promise<HiddenFile | undefined>;
  /** When somebody last relied on it (ms, by the storage's clock); undefined where it has been put back. */
  leaseOf(hidden: HiddenFile): Promise<number | undefined>;
  /** Puts it back, unless somebody has. It is as good as new: it may replace one that came meanwhile. */
  restore(hidden: HiddenFile): Promise<void>;
  /** Removes it for good: "kept" where somebody came to rely on it before that. */
  remove(hidden: HiddenFile): Promise<Verdict>;
  /** Makes sure that a small file is there which `remove` said is kept. */
  ensure(hidden: HiddenFile, content: string): Promise<void>;
  /** Removes what is left of a directory that may be empty now. */
  tidy(directory: string): Promise<void>;
  /** Removes what was kept of leases on a file that isn't there. */
  abandon(path: string): Promise<void>;
  /** When somebody last relied on what is at `path`, beside its own time (ms); 0 where that isn't kept apart. */
  renewedAt(path: string): Promise<number>;
}

/** Over real files: a rename hides and puts back, and of those who rename or remove one hidden file one succeeds. */
export function fileHiding(driver: StorageDriver & Touching): Hiding {
  return {
    hide: async (path) => {
      // A name of its own for each hiding: what is decided about one can never meet another one's file.
      const at = condemnedPath(path, randomUUID());
      const moved = await orUndefined(driver.move(path, at, { durable: false }).then(() => true));
      return moved === undefined ? undefined : { path, at };
    },
    leaseOf: async ({ at }) => (await orUndefined(driver.stat(at)))?.modified.getTime(),
    restore: async ({ path, at }) => {
      if ((await orUndefined(driver.touch(at).then(() => true))) === undefined) return;
      await orUndefined(driver.move(at, path, { durable: false }));
    },
    remove: async ({ at }) => {
      const removed = await orUndefined(driver.delete(at).then(() => true));
      return removed === undefined ? "kept" : "removed";
    },
    // Renamed back, or never renamed: it is there.
    ensure: () => Promise.resolve(),
    tidy: async (directory) => {
      await driver.prune(directory);
    },
    abandon: () => Promise.resolve(),
    renewedAt: () => Promise.resolve(0),
  };
}

/** Tells whether what was hidden may be removed; `lease` in ms. */
export type IsUnwanted = (lease: number) => boolean | Promise<boolean>;

/**
 * Removes the file at `path` unless somebody needs it: hides it, and asks `isUnwanted` about what was hidden. Whoever renewed
 * the file's lease before is seen then; whoever wants it afterwards misses it, and puts it back or learns that it is gone.
 */
export async function condemn(
  hiding: Hiding,
  path: string,
  isUnwanted: IsUnwanted,
  signal?: AbortSignal,
): Promise<Verdict> {
  const hidden = await hiding.hide(path);
  if (hidden === undefined) return "missing";
  // From here on without the signal: nothing stays hidden because somebody stopped waiting.
  const lease = await hiding.leaseOf(hidden);
  if (lease === undefined) return "kept";
  const isDue = signal?.aborted !== true && (await isUnwanted(lease));
  if (!isDue) {
    await hiding.restore(hidden);
    return "kept";
  }
  return hiding.remove(hidden);
}
