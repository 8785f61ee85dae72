import type { Stats } from "node:fs";
import { LRUCache } from "lru-cache";
import type { FileCalls } from "./calls.js";

/**
 * A `stat` that doesn't wait for a thread: a sixth of the processor time, for what is asked for again and again. It blocks
 * the process while it lasts, so it is only used where the kernel answers from memory: on a local file system, for paths
 * that were looked at a moment ago, and not for a while after it once took long.
 */
export interface QuickStats {
  /** What is at `file`; undefined: ask the slow way, which also says what is wrong. */
  of(file: string): Stats | undefined;
  /** Notes that the kernel has just looked at `file`. */
  note(file: string): void;
}

/** `f_type` of the file systems whose metadata the kernel keeps: statfs(2). Network and FUSE ones ask somebody else. */
const LOCAL = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
]);

/** How many paths are noted: some 200 bytes each. */
const PATHS = 16_384;
/** The kernel may have forgotten what nobody asked for since, in ms. */
const WARM = 60_000;
/** A look that takes longer than this, in ms, wasn't answered from memory. */
const SLOW = 5;
/** How long the slow way is taken then, in ms. */
const PAUSE = 60_000;

/** `clock` in ms, steady. */
export function createQuickStats(calls: FileCalls, root: string, clock: () => number): QuickStats {
  const noted = new LRUCache<string, number>({ max: PATHS });
  let isLocal: boolean | undefined;
  let pausedUntil = 0;

  const findOut = async (): Promise<void> => {
    isLocal = false;
    try {
      isLocal = LOCAL.has(await calls.fileSystemType(root));
    } catch {
      // A root that isn't there yet: asked again with the next path.
      isLocal = undefined;
    }
  };

  return {
    of: (file) => {
      const last = noted.get(file);
      if (last === undefined || isLocal !== true) return undefined;
      const before = clock();
      if (before < pausedUntil || before - last > WARM) return undefined;
      const stats = calls.statNow(file);
      const after = clock();
      if (after - before > SLOW) pausedUntil = after + PAUSE;
      if (stats === undefined) noted.delete(file);
      else if (after - last > WARM / 4) noted.set(file, after);
      return stats;
    },
    note: (file) => {
      noted.set(file, clock());
      if (isLocal === undefined) void findOut();
    },
  };
}
