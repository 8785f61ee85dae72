import { randomUUID } from "node:crypto";
import type { StorageDriver, Touching } from "../contract/driver.js";
import { condemnedPath } from "../layout/condemned.js";
import { orUndefined } from "../store/shared/links.js";

/** The outcome of a removal. */
export type Verdict = "removed" | "kept" | "missing";

/** A file that has been hidden. */
export interface HiddenFile {
  readonly path: string;
  /** Where it is. */
  readonly at: string;
}

/**
 * How a collector removes files that a push may start to rely on at any moment: it hides them, looks at them once more, and then
 * puts them back or removes them (docs/protocols/collection.md §Garbage collection while serving).
 */
export interface Hiding {
  /** Hides the file at `path`; undefined if there was none. */
  hide(path: string): Promise<HiddenFile | undefined>;
  /** Its lease (ms, by the storage's clock); undefined if it has been put back. */
  leaseOf(hidden: HiddenFile): Promise<number | undefined>;
  /** Puts it back, unless another process has. It may replace a file that was written meanwhile, which has the same content. */
  restore(hidden: HiddenFile): Promise<void>;
  /** Removes it for good; "kept" if its lease was renewed before that. */
  remove(hidden: HiddenFile): Promise<Verdict>;
  /** Makes sure that a small file exists after `remove` returned "kept". */
  ensure(hidden: HiddenFile, content: string): Promise<void>;
  /** Removes what is left of a directory that may be empty now. */
  tidy(directory: string): Promise<void>;
  /** Removes the leases of a file that doesn't exist. */
  abandon(path: string): Promise<void>;
  /** When the lease of the file at `path` was last renewed, if leases are kept apart from the file's own time (ms); otherwise 0. */
  renewedAt(path: string): Promise<number>;
}

/** Over real files: files are hidden and put back by renaming, and a hidden file can be renamed or removed only once. */
export function fileHiding(driver: StorageDriver & Touching): Hiding {
  return {
    hide: async (path) => {
      // A unique name each time, so that a decision about one hidden file can never affect another.
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
    // It exists, because it was either renamed back or never renamed.
    ensure: () => Promise.resolve(),
    tidy: async (directory) => {
      await driver.prune(directory);
    },
    abandon: () => Promise.resolve(),
    renewedAt: () => Promise.resolve(0),
  };
}

/** Whether a hidden file may be removed; `lease` in ms. */
export type IsUnwanted = (lease: number) => boolean | Promise<boolean>;

/**
 * Removes the file at `path` unless it is needed: hides it, and then asks `isUnwanted`. A lease that was renewed before is seen
 * then; a process that needs the file afterwards finds it missing, and puts it back or learns that it is gone.
 */
export async function condemn(
  hiding: Hiding,
  path: string,
  isUnwanted: IsUnwanted,
  signal?: AbortSignal,
): Promise<Verdict> {
  const hidden = await hiding.hide(path);
  if (hidden === undefined) return "missing";
  // From here on without the signal: an abort must leave nothing hidden.
  const lease = await hiding.leaseOf(hidden);
  if (lease === undefined) return "kept";
  const isDue = signal?.aborted !== true && (await isUnwanted(lease));
  if (!isDue) {
    await hiding.restore(hidden);
    return "kept";
  }
  return hiding.remove(hidden);
}
