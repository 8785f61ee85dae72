import { errnoOf } from "@longshore/base/errno";
import { constants, type Stats } from "node:fs";
import type { FileInfo, LinkTarget, Touching } from "../../contract/driver.js";
import { checkPath } from "../shared/path.js";
import { isMissing } from "./calls.js";
import { createNewFile, type MutationHost } from "./mutations.js";

/** A difference between our clock and the file system's is ignored up to this (ms). */
const SKEW = 500;

type Run = <T>(operation: string, path: string, signal: AbortSignal | undefined, task: () => Promise<T>) => Promise<T>;

/** What the driver `name` can do with real files beyond the contract. `run` executes each call; `now` is our clock in ms. */
export function createTouching(name: string, host: MutationHost, run: Run, now: () => number): Touching {
  const { calls, directories, quickCalls, realPath } = host;
  const touch = createTouch(host, now);
  return {
    touch: async (path, options) => {
      checkPath(name, path);
      await run("touch", path, options?.signal, () => touch(realPath(path)));
    },
    moveInto: async (from, to, options) => {
      checkPath(name, from);
      checkPath(name, to);
      await run("move", from, options?.signal, () => calls.rename(realPath(from), realPath(to)));
    },
    prune: async (path, options) => {
      checkPath(name, path);
      return run("prune", path, options?.signal, async () => {
        directories.forget(path);
        try {
          await calls.rmdir(realPath(path));
          return true;
        } catch (error) {
          const code = errnoOf(error);
          // POSIX allows either error for a directory that isn't empty. A missing one was removed by another process.
          if (code === "ENOTEMPTY" || code === "EEXIST" || isMissing(error)) return false;
          throw error;
        }
      });
    },
    writeNew: async (path, bytes, options) => {
      checkPath(name, path);
      return run("write", path, options?.signal, () => createNewFile(host, path, bytes, options));
    },
    resolveLink: async (path, base, options) => {
      checkPath(name, path);
      checkPath(name, base);
      options?.signal?.throwIfAborted();
      if (quickCalls.ofLink(realPath(path))?.isSymbolicLink() === false) return undefined;
      return run("resolve", path, options?.signal, () => resolveLink(host, path, base));
    },
  };
}

async function resolveLink(
  { calls, realPath }: MutationHost,
  path: string,
  base: string,
): Promise<LinkTarget | undefined> {
  try {
    if (!(await calls.lstat(realPath(path))).isSymbolicLink()) return undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const [target, from] = await Promise.all([
    calls.realpath(realPath(path)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    }),
    calls.realpath(realPath(base)),
  ]);
  if (target === undefined) return { kind: "nowhere" };
  if (target === from) return { kind: "inside", path: "" };
  return target.startsWith(`${from}/`) ? { kind: "inside", path: target.slice(from.length + 1) } : { kind: "outside" };
}

/**
 * Sets times by the file system's clock, which may be that of another machine and is visible as the inode's change time. The
 * check comes after the change, so that a file that was moved away meanwhile is noticed as missing.
 */
function createTouch(
  { calls, descriptors, quickCalls }: MutationHost,
  now: () => number,
): (file: string) => Promise<void> {
  let ahead = 0;

  /** A process that may write to a file but doesn't own it can't set its times; setting its size, even to the same, updates them. */
  const resize = async (file: string): Promise<void> => {
    const fd = await descriptors.open(file, constants.O_RDWR);
    try {
      await calls.ftruncate(fd, (await calls.fstat(fd)).size);
    } finally {
      await descriptors.close(fd);
    }
  };

  return async (file) => {
    for (let tries = 0; ; tries += 1) {
      try {
        await calls.utimes(file, now() + ahead);
      } catch (error) {
        if (errnoOf(error) !== "EPERM") throw error;
        await resize(file);
      }
      const { ctimeMs, mtimeMs } = quickCalls.of(file) ?? (await calls.stat(file));
      if (Math.abs(ctimeMs - mtimeMs) <= SKEW || tries > 0) return;
      // As it is after the call, which may have waited: what is set from now on is never in the file system's future. One
      // millisecond is what our clock may have rounded off.
      ahead = Math.floor(ctimeMs - now()) - 1;
    }
  };
}

/** `stats` of `path` in the form of the contract. */
export function infoOf(path: string, stats: Stats): FileInfo {
  const isDirectory = stats.isDirectory();
  return { path, size: isDirectory ? 0 : stats.size, modified: stats.mtime, isDirectory };
}
