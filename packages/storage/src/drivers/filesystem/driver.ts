import { KIB } from "@longshore/base/size";
import { errnoOf } from "@longshore/base/errno";
import { constants, type Stats } from "node:fs";
import { resolve } from "node:path";
import type {
  ByteRange,
  CallOptions,
  ContentStream,
  FileWriter,
  StorageDriver,
  Touching,
} from "../../contract/driver.js";
import { StorageError } from "../../errors.js";
import { abortable } from "@longshore/base/abort";
import { boundsOf, streamOf } from "../shared/byte-stream.js";
import { checkOffset, driverError, pathNotFound, tooLarge } from "../shared/errors.js";
import { createGate } from "../shared/gate.js";
import { READ_LIMIT } from "../shared/limits.js";
import { createListing, type Listing } from "../shared/page.js";
import { checkPath, parentOf } from "../shared/path.js";
import { createBufferPool } from "./buffer-pool.js";
import { isMissing, nodeCalls, obstacleOf, type FileCalls } from "./calls.js";
import { createDescriptors } from "./descriptors.js";
import { createDirectories } from "./directories.js";
import { removeAll, renameFile, replaceFile, syncFound, withDirectory, type MutationHost } from "./mutations.js";
import { createNames } from "./names.js";
import { withDefaults, type FilesystemOptions } from "./options.js";
import { readAlternating } from "./reader.js";
import { createQuickCalls } from "./quick-calls.js";
import { createSmallFiles } from "./small-files.js";
import { createTouching, infoOf } from "./touch.js";
import { createFileWriter } from "./writer.js";

const NAME = "filesystem";
/** Files up to this many bytes are cached as a whole, even if they are opened as a stream: links, configs, small layers. */
const SMALL_FILE = 64 * KIB;
/** Directories remembered as durable: some 100 bytes each. */
const DURABLE_DIRECTORIES = 50_000;
/** Distribution raises a smaller `maxthreads` to this (wire contract §6.2). */
const LEAST_THREADS = 25;
const LEAST_BATCH = 64 * KIB;
/** How many early syncs run at a time: each occupies one of the few file threads, which other requests need. */
const EARLY_SYNCS = 2;

/** What tests replace. */
export interface FilesystemPorts {
  readonly calls?: FileCalls;
  /** Milliseconds since the epoch, as the file system counts them. */
  readonly now?: () => number;
}

/**
 * Files below a root directory, as Distribution stores them (wire contract §6.2). Any number of processes may use the same root.
 * Symbolic links below it are followed. `close` waits for calls whose callers have stopped waiting.
 */
export function createFilesystemDriver(
  options: Partial<FilesystemOptions>,
  ports: FilesystemPorts = {},
): StorageDriver & Touching {
  const settings = withDefaults(options);
  const calls = ports.calls ?? nodeCalls();
  const now = ports.now ?? Date.now;
  const root = resolve(settings.rootdirectory);
  const prefix = root === "/" ? "" : root;
  const realPath = (path: string): string => (path === "/" ? root : prefix + path);

  const descriptors = createDescriptors(calls);
  const quickCalls = createQuickCalls(calls, root, () => performance.now());
  const directories = createDirectories(calls, descriptors, quickCalls, realPath, DURABLE_DIRECTORIES);
  const host: MutationHost = { calls, descriptors, directories, quickCalls, realPath };
  const smallFiles = createSmallFiles(calls, descriptors, {
    cacheBytes: settings.filecache,
    fileBytes: SMALL_FILE,
    now,
  });
  const statOf = async (file: string): Promise<Stats> => {
    const stats = await calls.stat(file);
    quickCalls.note(file);
    return stats;
  };

  const names = createNames({ ...calls, stat: statOf }, descriptors, settings.namecache, now);
  const pool = createBufferPool(settings.buffersize, settings.readbuffers);
  const gate = createGate(Math.max(settings.maxthreads, LEAST_THREADS));
  const idle: (() => void)[] = [];
  let running = 0;
  let writers = 0;
  let earlySyncs = 0;

  const failure = (operation: string, path: string, cause: unknown): StorageError =>
    cause instanceof StorageError ? cause : driverError(NAME, operation, path, cause, obstacleOf(cause));

  /** Only errors that mean "nothing is there" become PATH_NOT_FOUND, and only if they are about the requested file. */
  const failureOf = (operation: string, path: string, cause: unknown, missing: boolean): StorageError =>
    missing && isMissing(cause) ? pathNotFound(NAME, path, cause) : failure(operation, path, cause);

  const run = async <T>(
    operation: string,
    path: string,
    signal: AbortSignal | undefined,
    task: () => Promise<T>,
    { missing = true, discard }: { missing?: boolean; discard?: (late: T) => unknown } = {},
  ): Promise<T> => {
    signal?.throwIfAborted();
    if (!gate.tryEnter()) await gate.enter(signal);
    const guarded = async (): Promise<T> => {
      running += 1;
      try {
        const value = await task();
        // The caller no longer waits for it. Released here, so that `close` also waits for that.
        if (signal?.aborted === true) await discard?.(value);
        return value;
      } catch (error) {
        if (signal?.aborted === true && error === signal.reason) throw error;
        throw failureOf(operation, path, error, missing);
      } finally {
        running -= 1;
        gate.leave();
        if (running === 0) for (const wake of idle.splice(0)) wake();
      }
    };
    return abortable(guarded(), signal, discard);
  };

  /** The bytes of a small file that is cached and hasn't changed; undefined if that must be found out the slow way. */
  const rememberedAt = (path: string): Uint8Array | undefined => {
    const file = realPath(path);
    const stats = quickCalls.of(file);
    return stats === undefined ? undefined : smallFiles.known(file, stats);
  };

  const openFile = async (path: string, options: (CallOptions & ByteRange) | undefined): Promise<ContentStream> => {
    const file = realPath(path);
    const found = await statOf(file);
    if (!found.isFile()) throw pathNotFound(NAME, path);
    if (found.size <= SMALL_FILE) return openSmall(path, await smallFiles.read(file, found), options);
    const fd = await descriptors.open(file, "r");
    try {
      const { size } = await calls.fstat(fd);
      checkOffset(NAME, path, options?.start ?? 0, size);
      return readAlternating(calls, pool, {
        fd,
        size,
        ...boundsOf(options, size),
        closeFile: () => descriptors.close(fd),
        signal: options?.signal,
        fail: (cause) => failure("read", path, cause),
      });
    } catch (error) {
      await descriptors.close(fd);
      throw error;
    }
  };

  const openSmall = (
    path: string,
    bytes: Uint8Array,
    options: (CallOptions & ByteRange) | undefined,
  ): ContentStream => {
    checkOffset(NAME, path, options?.start ?? 0, bytes.length);
    const { start, stop } = boundsOf(options, bytes.length);
    let rest = start < stop ? bytes.subarray(start, stop) : undefined;
    return streamOf(bytes.length, {
      next: async () => {
        options?.signal?.throwIfAborted();
        const chunk = rest;
        rest = undefined;
        return Promise.resolve(chunk);
      },
      release: () => Promise.resolve(),
    });
  };

  /** A root that doesn't exist yet is empty: the first write creates it. */
  const namesOf = async (path: string): Promise<Listing> => {
    try {
      return await names.of(realPath(path));
    } catch (error) {
      if (path === "/" && errnoOf(error) === "ENOENT") return createListing([]);
      throw error;
    }
  };

  const syncEarly = (fd: number): Promise<void> | undefined => {
    if (earlySyncs >= EARLY_SYNCS) return undefined;
    earlySyncs += 1;
    return calls.fdatasync(fd).finally(() => {
      earlySyncs -= 1;
    });
  };

  const openWriter = async (path: string, append: boolean): Promise<FileWriter> => {
    const file = realPath(path);
    // Without O_APPEND: every write has a position, so that a short one continues where it stopped.
    const fd = append
      ? await descriptors.open(file, constants.O_WRONLY)
      : await withDirectory(host, parentOf(path), () => descriptors.open(file, "w"));
    try {
      const size = append ? (await calls.fstat(fd)).size : 0;
      writers += 1;
      return createFileWriter(calls, {
        fd,
        size,
        batchBytes: () => Math.max(LEAST_BATCH, Math.min(settings.buffersize, settings.writebuffers / (2 * writers))),
        syncEarly: () => syncEarly(fd),
        closeFile: () => {
          writers -= 1;
          return descriptors.close(fd);
        },
        remove: async () => {
          try {
            await calls.unlink(file);
          } catch (error) {
            if (!isMissing(error)) throw failure("cancel", path, error);
          }
        },
        fail: (operation, cause) => failure(operation, path, cause),
      });
    } catch (error) {
      await descriptors.close(fd);
      throw error;
    }
  };

  return {
    name: NAME,
    read: async (path, options) => {
      checkPath(NAME, path);
      const limit = options?.limit ?? READ_LIMIT;
      // Before the signal is looked at, which callers may make only if somebody waits; so in the other calls that may find what is remembered.
      const remembered = options?.durable === true ? undefined : rememberedAt(path);
      if (remembered !== undefined && remembered.length <= limit) return remembered;
      return run("read", path, options?.signal, async () => {
        const file = realPath(path);
        const stats = await statOf(file);
        if (!stats.isFile()) throw pathNotFound(NAME, path);
        if (stats.size > limit) throw tooLarge(NAME, path, stats.size, limit);
        const bytes = await smallFiles.read(file, stats);
        if (options?.durable === true) await syncFound(host, path, stats.isFile());
        return bytes;
      });
    },
    write: async (path, bytes, options) => {
      checkPath(NAME, path);
      const settled = { durable: options?.durable ?? true, signal: options?.signal };
      await run("write", path, options?.signal, () => replaceFile(host, path, bytes, settled), { missing: false });
    },
    stat: async (path, options) => {
      checkPath(NAME, path, "root");
      const quick = options?.durable === true ? undefined : quickCalls.of(realPath(path));
      if (quick !== undefined) return infoOf(path, quick);
      return run("stat", path, options?.signal, async () => {
        const stats = await statOf(realPath(path));
        if (options?.durable === true && path !== "/") await syncFound(host, path, stats.isFile());
        return infoOf(path, stats);
      });
    },
    open: async (path, options) => {
      checkPath(NAME, path);
      const remembered = rememberedAt(path);
      if (remembered !== undefined) return openSmall(path, remembered, options);
      return run("open", path, options?.signal, () => openFile(path, options), { discard: (late) => late.close() });
    },
    writer: async (path, options) => {
      checkPath(NAME, path);
      const append = options?.append ?? false;
      return run("writer", path, options?.signal, () => openWriter(path, append), {
        missing: append,
        discard: (late) => late.close(),
      });
    },
    list: async (path, options) => {
      checkPath(NAME, path, "root");
      const quick = quickCalls.of(realPath(path));
      const known = quick === undefined ? undefined : names.known(realPath(path), quick);
      if (known !== undefined) return known.page(options);
      return run("list", path, options?.signal, async () => (await namesOf(path)).page(options));
    },
    move: async (from, to, options) => {
      checkPath(NAME, from);
      checkPath(NAME, to);
      await run("move", from, options?.signal, () => renameFile(host, from, to, options?.durable ?? true));
    },
    delete: async (path, options) => {
      checkPath(NAME, path);
      await run("delete", path, options?.signal, () => removeAll(host, path));
    },
    ...createTouching(NAME, host, run, now),
    close: async () => {
      if (running > 0) await new Promise<void>((resolve) => void idle.push(resolve));
      smallFiles.clear();
      names.clear();
      pool.clear();
    },
  };
}
