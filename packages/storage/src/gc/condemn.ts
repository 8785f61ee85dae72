import { randomUUID } from "node:crypto";
import type { FileInfo, StorageDriver, Touching } from "../contract/driver.js";
import { condemnedPath } from "../layout/condemned.js";
import { orUndefined } from "../store/links.js";

/** What became of a file that was to be removed. */
export type Verdict = "removed" | "kept" | "missing";

/**
 * Removes the file at `path` unless somebody needs it: hides it, and asks `isUnwanted` about what was hidden. Whoever renewed
 * the file's lease before is seen then; whoever wants it afterwards misses it, and puts it back or learns that it is gone
 * (docs/architecture.md §Garbage collection while serving).
 */
export async function condemn(
  driver: StorageDriver & Touching,
  path: string,
  isUnwanted: (hidden: FileInfo) => boolean | Promise<boolean>,
  signal?: AbortSignal,
): Promise<Verdict> {
  const hidden = await hide(driver, path);
  if (hidden === undefined) return "missing";
  // From here on without the signal: nothing stays hidden because somebody stopped waiting.
  const info = await orUndefined(driver.stat(hidden));
  if (info === undefined) return "kept";
  const isDue = signal?.aborted !== true && (await isUnwanted(info));
  if (!isDue) {
    await restore(driver, hidden, path);
    return "kept";
  }
  return remove(driver, hidden);
}

/** Hides the file at `path`: where it is now, undefined where none was. */
export async function hide(driver: StorageDriver, path: string): Promise<string | undefined> {
  // A name of its own for each hiding: what is decided about one can never meet another one's file.
  const hidden = condemnedPath(path, randomUUID());
  const moved = await orUndefined(driver.move(path, hidden, { durable: false }).then(() => true));
  return moved === undefined ? undefined : hidden;
}

/** Puts a hidden file back, where nobody has done so. It is as good as new: it may replace one that came meanwhile. */
export async function restore(driver: StorageDriver & Touching, hidden: string, path: string): Promise<void> {
  if ((await orUndefined(driver.touch(hidden).then(() => true))) === undefined) return;
  await orUndefined(driver.move(hidden, path, { durable: false }));
}

/** Removes a hidden file for good, unless somebody has put it back. */
export async function remove(driver: StorageDriver, hidden: string): Promise<Verdict> {
  const removed = await orUndefined(driver.delete(hidden).then(() => true));
  return removed === undefined ? "kept" : "removed";
}
