import { MINUTE, SECOND } from "@longshore/base/duration";
import type { Stats } from "node:fs";
import { LRUCache } from "lru-cache";
import type { FileCalls } from "./calls.js";

/**
 * Synchronous calls, which take a sixth of the processor time: waking a thread costs more than what it does. Because they block the
 * process, they are only used if the kernel can answer from memory: on a local file system, for paths that were looked at a moment
 * ago, and not for a while after slow ones.
 */
export interface QuickCalls {
  /** What is at `file`; undefined if the slow way must be used, which also reports errors. */
  of(file: string): Stats | undefined;
  /** Like {@link of}, without following a symbolic link. */
  ofLink(file: string): Stats | undefined;
  /** A descriptor of a directory that is to be synced; undefined if the slow way must be used. */
  openDirectory(directory: string): number | undefined;
  /** Closes what {@link openDirectory} has opened. */
  closeDirectory(fd: number): void;
  /** Records that the kernel has just looked at `file`. */
  note(file: string): void;
}

/** `f_type` (statfs(2)) of file systems whose metadata the kernel caches. Network and FUSE file systems ask a server. */
const LOCAL = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
]);

/** How many paths are recorded, of some 200 bytes each. */
const PATHS = 16_384;
/** The kernel may have evicted what wasn't requested for this long (ms). */
const WARM = MINUTE;
/** A `stat` that takes longer than this (ms) either asked the disk, or had to wait for a processor. */
const SLOW = 5;
/** How long those that may have asked the disk may block the process together (ms). */
const ALLOWANCE = 50;
/** How much of the allowance comes back in each millisecond (ms): slow calls take at most this share of the time. */
const REGAINED = 0.05;
/** How many are answered in one turn of the event loop; then the slow way lets other requests in. */
const IN_ONE_TURN = 200;
/** How long the slow way is used once the allowance is used up (ms). */
const PAUSE = 10 * SECOND;

/** `clock` in ms, monotonic. */
export function createQuickCalls(calls: FileCalls, root: string, clock: () => number): QuickCalls {
  const noted = new LRUCache<string, number>({ max: PATHS });
  let isLocal: boolean | undefined;
  let pausedUntil = 0;
  let blocked = 0;
  let blockedAt = 0;
  let readsBefore = 0;
  let inThisTurn = 0;

  const findOut = async (): Promise<void> => {
    isLocal = false;
    try {
      isLocal = LOCAL.has(await calls.fileSystemType(root));
    } catch {
      // The root doesn't exist yet: tried again with the next path.
      isLocal = undefined;
    }
  };

  const spend = (duration: number, at: number): void => {
    // On a busy machine most slow ones only wait for a processor: then the process has read nothing from a disk.
    const reads = calls.diskReads();
    const isFromMemory = reads === readsBefore;
    readsBefore = reads;
    if (isFromMemory) return;
    blocked = Math.max(0, blocked - (at - blockedAt) * REGAINED) + duration;
    blockedAt = at;
    if (blocked <= ALLOWANCE) return;
    pausedUntil = at + PAUSE;
    blocked = 0;
  };

  const takeTurn = (): boolean => {
    if (inThisTurn === 0) setImmediate(() => (inThisTurn = 0));
    inThisTurn += 1;
    return inThisTurn <= IN_ONE_TURN;
  };

  const look = <Found>(file: string, call: (file: string) => Found | undefined): Found | undefined => {
    const last = noted.get(file);
    if (last === undefined || isLocal !== true) return undefined;
    const before = clock();
    if (before < pausedUntil || before - last > WARM || !takeTurn()) return undefined;
    const found = call(file);
    const after = clock();
    if (after - before > SLOW) spend(after - before, after);
    if (found === undefined) noted.delete(file);
    else if (after - last > WARM / 4) noted.set(file, after);
    return found;
  };

  return {
    of: (file) => look(file, (path) => calls.statNow(path)),
    ofLink: (file) => look(file, (path) => calls.lstatNow(path)),
    openDirectory: (directory) => look(directory, (path) => calls.openNow(path)),
    closeDirectory: (fd) => calls.closeNow(fd),
    note: (file) => {
      noted.set(file, clock());
      if (isLocal === undefined) void findOut();
    },
  };
}
