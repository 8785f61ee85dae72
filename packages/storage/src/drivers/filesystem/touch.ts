import { constants, type Stats } from "node:fs";
import type { FileInfo, Touching } from "../../contract/driver.js";
import { checkPath } from "../path.js";
import { errnoOf, isMissing } from "./calls.js";
import type { MutationHost } from "./mutations.js";

/** How far the clock of the file system's machine may be from ours before it is reckoned with, in ms. */
const SKEW = 500;

type Run = <T>(operation: string, path: string, signal: AbortSignal | undefined, task: () => Promise<T>) => Promise<T>;

/** What the driver `name` can do with real files beyond the contract. `run` makes each call, `now` is our clock in ms. */
export function createTouching(name: string, host: MutationHost, run: Run, now: () => number): Touching {
  const { calls, directories, realPath } = host;
  const touch = createTouch(host, now);
  return {
    touch: async (path, options) => {
      checkPath(name, path);
      await run("touch", path, options?.signal, () => touch(realPath(path)));
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
          // POSIX lets either say that something is inside. What is gone already was empty for somebody else.
          if (code === "ENOTEMPTY" || code === "EEXIST" || isMissing(error)) return false;
          throw error;
        }
      });
    },
  };
}

/**
 * Renews times as the file system's clock counts, which may be another machine's: that clock shows as the time of the inode's
 * change. The look comes after the change, so that a file that was moved away meanwhile is missed.
 */
function createTouch({ calls, descriptors }: MutationHost, now: () => number): (file: string) => Promise<void> {
  let ahead = 0;

  /** Who may write to a file, but doesn't own it, can't choose its times: they change with its size, even to the same one. */
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
      const { ctimeMs, mtimeMs } = await calls.stat(file);
      if (Math.abs(ctimeMs - mtimeMs) <= SKEW || tries > 0) return;
      ahead += ctimeMs - mtimeMs;
    }
  };
}

/** What `stats` say of `path`. */
export function infoOf(path: string, stats: Stats): FileInfo {
  const isDirectory = stats.isDirectory();
  return { path, size: isDirectory ? 0 : stats.size, modified: stats.mtime, isDirectory };
}
