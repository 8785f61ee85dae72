import type { Stats } from "node:fs";

/** What changes when a file or directory does. */
export interface Stamp {
  readonly inode: number;
  readonly size: number;
  readonly modified: number;
  readonly changed: number;
}

/** A second change within the clock's resolution leaves the same stamp, so files younger than this (ms) aren't cached. */
const GRAIN = 1000;

export function stampOf(stats: Stats): Stamp {
  return { inode: stats.ino, size: stats.size, modified: stats.mtimeMs, changed: stats.ctimeMs };
}

export function sameStamp(a: Stamp, b: Stamp): boolean {
  return a.changed === b.changed && a.inode === b.inode && a.size === b.size && a.modified === b.modified;
}

/** Whether what was read at `now` (ms since the epoch) may be cached under `stamp` (docs/architecture.md §Small files). */
export function isSettled(stamp: Stamp, now: number): boolean {
  return now - Math.max(stamp.changed, stamp.modified) >= GRAIN;
}
