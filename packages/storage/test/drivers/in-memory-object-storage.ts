import type { CallOptions, DeleteOptions, StatOptions, StorageDriver } from "../../src/contract/driver.js";
import type { ObjectStorage, SourceFile } from "../../src/contract/object-storage.js";
import { boundsOf, streamOf, type ChunkSource } from "../../src/drivers/shared/byte-stream.js";
import { checkOffset, driverError, pathNotFound, tooLarge } from "../../src/drivers/shared/errors.js";
import { READ_LIMIT } from "../../src/drivers/shared/limits.js";
import { pageOf } from "../../src/drivers/shared/page.js";
import { checkPath } from "../../src/drivers/shared/path.js";
import { StorageError } from "../../src/errors.js";
import { openObjectWriter, type ObjectRequest, type UnfinishedWrites } from "./in-memory-object-writer.js";

/*
 * A fake: object storage in memory. It replaces S3 where a test needs what no real server offers: minima and maxima of a
 * few bytes, conditional writes that can be disabled, and a count of the requests that each call would make. The suites that run
 * over both show that real servers behave like this.
 */

export interface ObjectStorageOptions {
  /** As {@link ObjectStorage.smallestPart}; 5 MiB by default. */
  readonly smallestPart?: number;
  /** As {@link ObjectStorage.largestWrite}; 10,000 parts by default. */
  readonly largestWrite?: number;
  /** The size of a part, and the most bytes in one PutObject; 10 MiB by default. */
  readonly partSize?: number;
  /** Whether `writeVersioned` refuses to replace another version; otherwise it always writes. True by default. */
  readonly conditionalWrites?: boolean;
  /** Runs before each request takes effect, to interleave, count or fail requests. */
  readonly onRequest?: (request: ObjectRequest, path: string) => Promise<void>;
}

export interface InMemoryObjectStorage {
  readonly driver: StorageDriver & ObjectStorage;
  /** Requests since the last `reset`, in order: `PutObject /path`. */
  readonly requests: readonly string[];
  /** The number of requests of each kind. */
  readonly counts: () => Partial<Record<ObjectRequest, number>>;
  readonly reset: () => void;
  /** Paths of writes that were neither finished nor aborted. */
  readonly unfinished: () => readonly string[];
}

const MIB = 1024 * 1024;

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly modified: Date;
  readonly version: string;
}

/** Empty object storage in memory. */
export function createInMemoryObjectStorage(options: ObjectStorageOptions = {}): InMemoryObjectStorage {
  const { smallestPart = 5 * MIB, partSize = 10 * MIB, conditionalWrites = true } = options;
  const largestWrite = options.largestWrite ?? 10_000 * partSize;
  const name = "inmemoryobjects";
  const objects = new Map<string, StoredObject>();
  const unfinished: UnfinishedWrites = new Map();
  const requests: string[] = [];
  let writes = 0;

  const request = async (kind: ObjectRequest, path: string, call?: CallOptions): Promise<void> => {
    call?.signal?.throwIfAborted();
    requests.push(`${kind} ${path}`);
    // Never synchronous: other requests can come in between, as over a network.
    await Promise.resolve();
    await options.onRequest?.(kind, path);
    call?.signal?.throwIfAborted();
  };

  const get = (path: string): StoredObject => {
    const found = objects.get(path);
    if (found === undefined) throw pathNotFound(name, path);
    return found;
  };

  const put = (path: string, bytes: Uint8Array): void => {
    writes += 1;
    objects.set(path, { bytes, modified: new Date(), version: String(writes) });
  };

  const below = (path: string): string[] => {
    const prefix = path === "/" ? "/" : `${path}/`;
    return [...objects.keys()].filter((key) => key.startsWith(prefix));
  };

  const readSmall = (path: string, limit = READ_LIMIT): StoredObject => {
    const found = get(path);
    if (found.bytes.length > limit) throw tooLarge(name, path, found.bytes.length, limit);
    return { ...found, bytes: found.bytes.slice() };
  };

  const needSource = ({ path, size }: SourceFile, isLast: boolean): Uint8Array => {
    const { bytes } = get(path);
    const problem =
      bytes.length !== size
        ? `${path} has ${bytes.length} bytes, not ${size}`
        : !isLast && size < smallestPart
          ? `${path} has ${size} bytes, fewer than the ${smallestPart} of a part`
          : undefined;
    if (problem !== undefined) throw driverError(name, "compose", path, new Error(problem));
    return bytes;
  };

  const driver: StorageDriver & ObjectStorage = {
    name,
    smallestPart,
    largestWrite,
    largestShared: largestWrite,
    read: async (path, call) => {
      checkPath(name, path);
      await request("GetObject", path, call);
      return readSmall(path, call?.limit).bytes;
    },
    write: async (path, bytes, call) => {
      checkPath(name, path);
      // Copied now: the caller may change them later.
      const own = bytes.slice();
      await request("PutObject", path, call);
      put(path, own);
    },
    stat: async (path, call?: StatOptions) => {
      checkPath(name, path, "root");
      await request("HeadObject", path, call);
      const found = objects.get(path);
      if (found !== undefined) {
        const { bytes, modified, version } = found;
        return { path, size: bytes.length, modified, isDirectory: false, version };
      }
      if (call?.fileOnly !== true) {
        await request("ListObjects", path, call);
        if (below(path).length > 0) return { path, size: 0, modified: new Date(0), isDirectory: true };
      }
      throw pathNotFound(name, path);
    },
    open: async (path, call) => {
      checkPath(name, path);
      await request("GetObject", path, call);
      const { bytes } = get(path);
      checkOffset(name, path, call?.start ?? 0, bytes.length);
      const { start, stop } = boundsOf(call, bytes.length);
      return streamOf(bytes.length, chunksOf(bytes, start, stop, call?.signal));
    },
    writer: async (path, call) => {
      checkPath(name, path);
      call?.signal?.throwIfAborted();
      if (call?.append === true) throw new StorageError({ code: "UNSUPPORTED", operation: "append" });
      return Promise.resolve(openObjectWriter(path, { name, partSize, largestWrite, unfinished, request, put }));
    },
    list: async (path, call) => {
      checkPath(name, path, "root");
      await request("ListObjects", path, call);
      const start = path === "/" ? 1 : path.length + 1;
      const names = new Set(below(path).map((key) => key.slice(start).split("/", 1)[0] ?? ""));
      if (names.size === 0) throw pathNotFound(name, path);
      return pageOf([...names].sort(), call);
    },
    move: async (from, to, call) => {
      checkPath(name, from);
      checkPath(name, to);
      await request("HeadObject", from, call);
      await request("CopyObject", to, call);
      put(to, get(from).bytes);
      await request("DeleteObjects", from, call);
      if (from !== to) objects.delete(from);
    },
    delete: async (path, call?: DeleteOptions) => {
      checkPath(name, path);
      if (call?.fileOnly === true) {
        await request("DeleteObjects", path, call);
        objects.delete(path);
        return;
      }
      await request("ListObjects", path, call);
      const found = [...below(path), ...(objects.has(path) ? [path] : [])];
      if (found.length === 0) throw pathNotFound(name, path);
      await request("DeleteObjects", path, call);
      for (const one of found) objects.delete(one);
    },
    close: () => Promise.resolve(),
    compose: async (sources, to, call) => {
      for (const { path } of sources) checkPath(name, path);
      checkPath(name, to);
      if (sources.length === 1) await request("CopyObject", to, call);
      else await request("CreateMultipartUpload", to, call);
      const own = {};
      unfinished.set(own, { path: to, begun: new Date() });
      try {
        const parts: Uint8Array[] = [];
        for (const [index, source] of sources.entries()) {
          if (sources.length > 1) await request("UploadPartCopy", to, call);
          parts.push(needSource(source, index === sources.length - 1));
        }
        if (sources.length > 1) await request("CompleteMultipartUpload", to, call);
        put(to, Buffer.concat(parts));
      } finally {
        unfinished.delete(own);
      }
    },
    readVersioned: async (path, call) => {
      checkPath(name, path);
      await request("GetObject", path, call);
      const { bytes, version } = readSmall(path, call?.limit);
      return { bytes, version };
    },
    writeVersioned: async (path, bytes, expected, call) => {
      checkPath(name, path);
      const own = bytes.slice();
      await request("PutObject", path, call);
      if (conditionalWrites && objects.get(path)?.version !== expected) return { written: false };
      put(path, own);
      return { written: true };
    },
    deleteFiles: async (paths, call) => {
      for (const path of paths) checkPath(name, path);
      for (let at = 0; at < paths.length; at += 1000) {
        await request("DeleteObjects", paths[at] ?? "", call);
        for (const path of paths.slice(at, at + 1000)) objects.delete(path);
      }
    },
    abortUnfinished: async (directory, olderThan, call) => {
      await request("ListMultipartUploads", directory, call);
      let aborted = 0;
      for (const [own, { path, begun }] of unfinished) {
        if (!path.startsWith(`${directory}/`) || begun >= olderThan) continue;
        aborted += 1;
        if (call?.dryRun === true) continue;
        await request("AbortMultipartUpload", path, call);
        unfinished.delete(own);
      }
      return { aborted };
    },
  };

  return {
    driver,
    requests,
    counts: () => countKinds(requests),
    reset: () => void requests.splice(0),
    unfinished: () => [...unfinished.values()].map(({ path }) => path),
  };
}

/** Chunks of arbitrary sizes, as from a network. */
function chunksOf(bytes: Uint8Array, start: number, stop: number, signal?: AbortSignal): ChunkSource {
  let at = start;
  return {
    next: () => {
      signal?.throwIfAborted();
      if (at >= stop) return Promise.resolve(undefined);
      const chunk = bytes.slice(at, Math.min(stop, at + 64 * 1024));
      at += chunk.length;
      return Promise.resolve(chunk);
    },
    release: () => Promise.resolve(),
  };
}

function countKinds(requests: readonly string[]): Partial<Record<string, number>> {
  const counts: Partial<Record<string, number>> = {};
  for (const line of requests) {
    const kind = line.slice(0, line.indexOf(" "));
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
