import type { Stats } from "node:fs";
import { LRUCache } from "lru-cache";
import { isReachableName } from "../path.js";
import { isMissing, type FileCalls } from "./calls.js";
import type { Descriptors } from "./descriptors.js";
import { isSettled, sameStamp, stampOf, type Stamp } from "./stamp.js";

/** The names in a directory, in order. */
export interface Names {
  /** The names in `path` where they are remembered and `stats`, just taken, says that they haven't changed. */
  known(path: string, stats: Stats): readonly string[] | undefined;
  /** Names in the directory at the real `path`, ascending. Those no driver path can reach, and leftovers of writes, are left out. */
  of(path: string): Promise<readonly string[]>;
  clear(): void;
}

interface Entry {
  readonly stamp: Stamp;
  readonly names: readonly string[];
}

/** What `write` and the original (contract §5) leave behind when they are killed. A directory may be named so: a tag can. */
const LEFTOVER = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** `limit`: how many names all remembered directories may have together. */
export function createNames(
  calls: Pick<FileCalls, "stat" | "lstat" | "readdir">,
  descriptors: Descriptors,
  limit: number,
  now: () => number,
): Names {
  const cache =
    limit > 0
      ? new LRUCache<string, Entry>({ maxSize: limit, sizeCalculation: (entry) => entry.names.length + 1 })
      : undefined;

  const isLeftover = async (directory: string, name: string): Promise<boolean> => {
    try {
      return (await calls.lstat(`${directory}/${name}`)).isFile();
    } catch (error) {
      if (isMissing(error)) return true;
      throw error;
    }
  };

  const load = async (path: string): Promise<readonly string[]> => {
    const names: string[] = [];
    for (const name of await descriptors.patiently(() => calls.readdir(path))) {
      if (!isReachableName(name)) continue;
      if (LEFTOVER.test(name) && (await isLeftover(path, name))) continue;
      names.push(name);
    }
    return names.sort();
  };

  const known = (path: string, stats: Stats): readonly string[] | undefined => {
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
      // The stamp was taken before the names were read: a change in between shows as a newer stamp on the next use.
      if (isSettled(stamp, started)) cache?.set(path, { stamp, names });
      return names;
    },
    clear: () => cache?.clear(),
  };
}
