import type { Stats } from "node:fs";
import { LRUCache } from "lru-cache";
import { createListing, type Listing } from "../shared/page.js";
import { isReachableName } from "../shared/path.js";
import { isMissing, type FileCalls } from "./calls.js";
import type { Descriptors } from "./descriptors.js";
import { isSettled, sameStamp, stampOf, type Stamp } from "./stamp.js";

/** The names in a directory, in order. */
export interface Names {
  /** The names in `path`, if they are cached and the current `stats` show no change. */
  known(path: string, stats: Stats): Listing | undefined;
  /** Names in the directory at the real `path`, ascending, without unreachable names and leftovers of writes. */
  of(path: string): Promise<Listing>;
  clear(): void;
}

interface Entry {
  readonly stamp: Stamp;
  readonly names: Listing;
}

/** Files that `write` and Distribution (wire contract §5) leave behind when killed. A directory may have such a name: a tag can. */
const LEFTOVER = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** `limit`: how many names all cached directories may have together. */
export function createNames(
  calls: Pick<FileCalls, "stat" | "lstat" | "readdir">,
  descriptors: Descriptors,
  limit: number,
  now: () => number,
): Names {
  const cache =
    limit > 0
      ? new LRUCache<string, Entry>({ maxSize: limit, sizeCalculation: ({ names }) => names.count + 1 })
      : undefined;

  const isLeftover = async (directory: string, name: string): Promise<boolean> => {
    try {
      return (await calls.lstat(`${directory}/${name}`)).isFile();
    } catch (error) {
      if (isMissing(error)) return true;
      throw error;
    }
  };

  const load = async (path: string): Promise<Listing> => {
    const names: string[] = [];
    for (const name of await descriptors.patiently(() => calls.readdir(path))) {
      if (!isReachableName(name)) continue;
      if (LEFTOVER.test(name) && (await isLeftover(path, name))) continue;
      names.push(name);
    }
    return createListing(names.sort());
  };

  const known = (path: string, stats: Stats): Listing | undefined => {
    const entry = cache?.get(path);
    return entry !== undefined && sameStamp(entry.stamp, stampOf(stats)) ? entry.names : undefined;
  };

  return {
    known,
    of: async (path) => {
      const started = now();
      const stats = await calls.stat(path);
      const remembered = known(path, stats);
      if (remembered !== undefined) return remembered;
      const stamp = stampOf(stats);
      const names = await load(path);
      // The stamp was taken before the names were read, so a change in between shows as a newer stamp on the next use.
      if (isSettled(stamp, started)) cache?.set(path, { stamp, names });
      return names;
    },
    clear: () => cache?.clear(),
  };
}
