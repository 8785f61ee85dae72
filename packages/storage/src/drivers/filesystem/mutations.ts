import { randomUUID } from "node:crypto";
import { parentOf } from "../path.js";
import { errnoOf, isMissing, type FileCalls } from "./calls.js";
import type { Descriptors } from "./descriptors.js";
import type { Directories } from "./directories.js";

/** What changes files: over real paths for the system, driver paths for what is known of directories. */
export interface MutationHost {
  readonly calls: FileCalls;
  readonly descriptors: Descriptors;
  readonly directories: Directories;
  readonly realPath: (path: string) => string;
}

/** How often a directory may be removed under a write before that fails. */
const ATTEMPTS = 10;

/** Runs `attempt`, which needs `directory`; makes the directory where it is missing, also when it goes away in between. */
export async function withDirectory<T>(host: MutationHost, directory: string, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || tries === ATTEMPTS) throw error;
      host.directories.forget(directory);
      await host.directories.make(directory);
    }
  }
}

async function ignoringMissing(task: Promise<unknown>): Promise<void> {
  try {
    await task;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function fillFile(host: MutationHost, fd: number, bytes: Uint8Array, durable: boolean): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const count = await host.calls.writev(fd, [bytes.subarray(written)], written);
    if (count === 0) throw new Error("the file takes no more bytes");
    written += count;
  }
  if (durable) await host.calls.fdatasync(fd);
}

/** Temporary name, sync, rename, sync of the directory: readers see the old bytes or the new ones, whatever happens. */
export async function replaceFile(
  host: MutationHost,
  path: string,
  bytes: Uint8Array,
  options: { readonly durable: boolean; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const { calls, descriptors, directories } = host;
  const directory = parentOf(path);
  const target = host.realPath(path);
  await withDirectory(host, directory, async () => {
    const temporary = `${target}.${randomUUID()}.tmp`;
    const fd = await descriptors.open(temporary, "wx");
    try {
      const filled = fillFile(host, fd, bytes, options.durable).finally(() => descriptors.close(fd));
      // The directory's own entry can become durable while the file does.
      await settle(options.durable ? [filled, directories.anchor(directory)] : [filled]);
      options.signal?.throwIfAborted();
      await calls.rename(temporary, target);
    } catch (error) {
      await ignoringMissing(calls.unlink(temporary));
      throw error;
    }
    if (options.durable) await directories.sync(directory);
  });
}

/** Waits for all of `tasks`, then throws the first failure: nothing goes on behind the caller's back. */
async function settle(tasks: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(tasks)) if (result.status === "rejected") throw result.reason;
}

/**
 * Renames; durable means that the new name is, with the directories above it. The old name's directory needs no sync: after
 * a power loss a rename is there as a whole or not at all, and either is what a caller that got no answer must expect.
 */
export async function renameFile(host: MutationHost, from: string, to: string, durable: boolean): Promise<void> {
  const { calls, directories, realPath } = host;
  const directory = parentOf(to);
  const rename = (): Promise<void> => calls.rename(realPath(from), realPath(to));
  try {
    await rename();
  } catch (error) {
    if (!isMissing(error)) throw error;
    // Is it the source that is missing? Then that is said, and no directory is made for it.
    await calls.lstat(realPath(from));
    await makeTarget(host, directory, rename);
  }
  if (durable) await settle([directories.anchor(directory), directories.sync(directory)]);
}

async function makeTarget(host: MutationHost, directory: string, rename: () => Promise<void>): Promise<void> {
  try {
    await withDirectory(host, directory, rename);
  } catch (error) {
    // ENOTDIR: a file is where the target's directory should be, which isn't "not found".
    throw errnoOf(error) === "ENOENT" ? error : new Error(`cannot make ${directory}`, { cause: error });
  }
}

/** Removes a file, or a directory with all that is in it. ENOENT where nothing is. */
export async function removeAll(host: MutationHost, path: string): Promise<void> {
  const { calls, realPath } = host;
  try {
    await calls.unlink(realPath(path));
    return;
  } catch (error) {
    // Linux says EISDIR, POSIX EPERM.
    if (errnoOf(error) !== "EISDIR" && errnoOf(error) !== "EPERM") throw error;
    if (!(await calls.lstat(realPath(path))).isDirectory()) throw error;
  }
  host.directories.forget(path);
  await removeDirectory(host, realPath(path));
}

async function removeDirectory(host: MutationHost, directory: string): Promise<void> {
  const { calls, descriptors } = host;
  for (let tries = 1; ; tries += 1) {
    for (const name of await descriptors.patiently(() => calls.readdir(directory))) {
      await ignoringMissing(removeChild(host, `${directory}/${name}`));
    }
    try {
      await calls.rmdir(directory);
      return;
    } catch (error) {
      // Another process put something in between.
      if (errnoOf(error) !== "ENOTEMPTY" || tries === ATTEMPTS) throw error;
    }
  }
}

async function removeChild(host: MutationHost, path: string): Promise<void> {
  try {
    await host.calls.unlink(path);
  } catch (error) {
    if (errnoOf(error) !== "EISDIR" && errnoOf(error) !== "EPERM") throw error;
    if (!(await host.calls.lstat(path)).isDirectory()) throw error;
    await removeDirectory(host, path);
  }
}
