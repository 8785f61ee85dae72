import type { Stats } from "node:fs";
import { LRUCache } from "lru-cache";
import type { FileCalls } from "./calls.js";
import type { Descriptors } from "./descriptors.js";
import { isSettled, sameStamp, stampOf, type Stamp } from "./stamp.js";

/** Caches small files: one that doesn't change is read once, and afterwards costs one `stat` for each use. */
export interface SmallFiles {
  /** The bytes at `path`, if they are cached and the current `stats` show no change. */
  known(path: string, stats: Stats): Uint8Array | undefined;
  /** The bytes of the file at `path`, whose `stats` are current. They are shared and must not be modified. */
  read(path: string, stats: Stats): Promise<Uint8Array>;
  clear(): void;
}

export interface SmallFilesOptions {
  /** Bytes that the cache may take, overhead included. */
  readonly cacheBytes: number;
  /** Files larger than this (bytes) are never cached. */
  readonly fileBytes: number;
  readonly now: () => number;
}

interface Entry {
  readonly stamp: Stamp;
  readonly bytes: Uint8Array;
}

/** What an entry costs in addition to its bytes and its path. */
const OVERHEAD = 256;

export function createSmallFiles(calls: FileCalls, descriptors: Descriptors, options: SmallFilesOptions): SmallFiles {
  const cache =
    options.cacheBytes > 0
      ? new LRUCache<string, Entry>({
          maxSize: options.cacheBytes,
          sizeCalculation: (entry, path) => entry.bytes.length + path.length + OVERHEAD,
        })
      : undefined;

  const load = async (path: string): Promise<Entry & { readonly settled: boolean }> => {
    const now = options.now();
    const fd = await descriptors.open(path, "r");
    try {
      const stats = await calls.fstat(fd);
      const bytes = new Uint8Array(stats.size);
      let length = 0;
      while (length < bytes.length) {
        const count = await calls.read(fd, bytes, length, bytes.length - length, length);
        if (count === 0) break;
        length += count;
      }
      const stamp = stampOf(stats);
      return { stamp, bytes: bytes.subarray(0, length), settled: length === bytes.length && isSettled(stamp, now) };
    } finally {
      await descriptors.close(fd);
    }
  };

  const known = (path: string, stats: Stats): Uint8Array | undefined => {
    const entry = cache?.get(path);
    return entry !== undefined && sameStamp(entry.stamp, stampOf(stats)) ? entry.bytes : undefined;
  };

  return {
    known,
    read: async (path, stats) => {
      const remembered = known(path, stats);
      if (remembered !== undefined) return remembered;
      const { stamp, bytes, settled } = await load(path);
      if (settled && bytes.length <= options.fileBytes) cache?.set(path, { stamp, bytes });
      return bytes;
    },
    clear: () => cache?.clear(),
  };
}
