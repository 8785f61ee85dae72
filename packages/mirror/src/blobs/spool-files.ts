import { mkdir } from "node:fs/promises";
import { MINUTE } from "@longshore/base/duration";
import { canTouch, createDriver, isStorageError, MIRROR_DIRECTORY, type StorageDriver } from "@longshore/storage";

/** Real files for what is on its way into the storage. */
export interface SpoolFiles {
  readonly files: StorageDriver;
  /** Whether they are in the storage itself, so that a finished one is renamed into its place. */
  readonly isInPlace: boolean;
  close(): Promise<void>;
}

/** The storage itself where it has real files; otherwise the local disk, below `directory`. */
export async function openSpoolFiles(driver: StorageDriver, directory: string): Promise<SpoolFiles> {
  if (canTouch(driver)) return { files: driver, isInPlace: true, close: () => Promise.resolve() };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const files = await createDriver("filesystem", { rootdirectory: directory });
  return { files, isInPlace: false, close: () => files.close() };
}

/** Where downloads are, each in a file of its own. */
export const DOWNLOADS = `${MIRROR_DIRECTORY}/downloads`;

/** How often a process touches the files of its downloads (ms). */
const TOUCH = MINUTE;

/** A file that hasn't been touched for so long (ms) belongs to a process that has ended. */
export const ABANDONED = 15 * MINUTE;

/** Shows other processes which files are in use, even while no byte arrives or the finished file is copied for an hour. */
export interface LiveFiles {
  add(path: string): void;
  delete(path: string): void;
  close(): void;
}

export function createLiveFiles(files: StorageDriver): LiveFiles {
  const live = new Set<string>();
  const touchAll = async (): Promise<void> => {
    if (!canTouch(files)) return;
    // One that was just moved away, or whose storage fails: the download itself finds out.
    for (const path of live) await files.touch(path).catch(() => undefined);
  };
  const timer = setInterval(() => void touchAll(), TOUCH).unref();
  return {
    add: (path) => void live.add(path),
    delete: (path) => void live.delete(path),
    close: () => clearInterval(timer),
  };
}

/**
 * Removes what processes that have ended left below `directory`: files that nothing has touched for `age` ms. Returns how many. Throws
 * StorageError.
 */
export async function removeAbandoned(
  files: StorageDriver,
  directory: string,
  { age, now, signal }: { readonly age: number; readonly now: number; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const visit = async (path: string): Promise<number> => {
    signal?.throwIfAborted();
    const info = await files.stat(path, { signal });
    if (!info.isDirectory) {
      if (now - info.modified.getTime() <= age) return 0;
      await files.delete(path, { fileOnly: true, signal });
      return 1;
    }
    let removed = 0;
    for (const child of (await files.list(path, { signal })).names) {
      removed += await visit(`${path}/${child}`).catch(none);
    }
    if (canTouch(files)) await files.prune(path, { signal });
    return removed;
  };
  return visit(directory).catch(none);
}

/** What has just been finished or removed by its own process needs no removal. */
function none(error: unknown): number {
  if (isStorageError(error, "PATH_NOT_FOUND")) return 0;
  throw error;
}
