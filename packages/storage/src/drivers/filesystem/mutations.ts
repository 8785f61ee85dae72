import type { CallOptions } from "../../contract/driver.js";
import { errnoOf } from "@longshore/base/errno";
import { randomUUID } from "node:crypto";
import { parentOf } from "../shared/path.js";
import { isMissing, type FileCalls } from "./calls.js";
import type { Descriptors } from "./descriptors.js";
import type { Directories } from "./directories.js";
import type { QuickCalls } from "./quick-calls.js";

/** What mutations need: system calls on real paths, and knowledge about directories by the driver's paths. */
export interface MutationHost {
  readonly calls: FileCalls;
  readonly descriptors: Descriptors;
  readonly directories: Directories;
  readonly quickCalls: QuickCalls;
  readonly realPath: (path: string) => string;
}

/** How many times a directory may be removed during a write before the write fails. */
const ATTEMPTS = 10;

/** Runs `attempt`, which needs `directory`; creates the directory if it is missing, also if it is removed meanwhile. */
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

/** Renames over an existing file, or over an empty directory that was created in its place. */
async function renameOver(calls: FileCalls, from: string, to: string): Promise<void> {
  try {
    await calls.rename(from, to);
  } catch (error) {
    if (errnoOf(error) !== "EISDIR") throw error;
    // A directory that isn't empty can't be removed, and is kept.
    await calls.rmdir(to).catch(() => undefined);
    await calls.rename(from, to);
  }
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
    host.quickCalls.note(host.realPath(directory));
    try {
      const filled = fillFile(host, fd, bytes, options.durable).finally(() => descriptors.close(fd));
      // The directory's own entry can become durable while the file does.
      await settle(options.durable ? [filled, directories.anchor(directory)] : [filled]);
      options.signal?.throwIfAborted();
      await renameOver(calls, temporary, target);
    } catch (error) {
      await ignoringMissing(calls.unlink(temporary));
      throw error;
    }
    if (options.durable) await directories.sync(directory);
  });
}

/** What only the owner of a new file may do with it: read and write. */
const OWNER_ONLY = 0o600;

/**
 * Temporary name, sync, link, sync of the directory. Of several processes that link to one name, one succeeds, which a rename
 * wouldn't tell. Resolves with whether it did.
 */
export async function createNewFile(
  host: MutationHost,
  path: string,
  bytes: Uint8Array,
  { signal, secret = false }: CallOptions & { readonly secret?: boolean | undefined } = {},
): Promise<boolean> {
  const { calls, descriptors, directories } = host;
  const directory = parentOf(path);
  const target = host.realPath(path);
  return withDirectory(host, directory, async () => {
    const temporary = `${target}.${randomUUID()}.tmp`;
    const fd = await descriptors.open(temporary, "wx");
    host.quickCalls.note(host.realPath(directory));
    try {
      const restricted = secret ? calls.chmod(temporary, OWNER_ONLY) : Promise.resolve();
      const filled = restricted.then(() => fillFile(host, fd, bytes, true)).finally(() => descriptors.close(fd));
      await settle([filled, directories.anchor(directory)]);
      signal?.throwIfAborted();
      await calls.link(temporary, target);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      return false;
    } finally {
      await ignoringMissing(calls.unlink(temporary));
    }
    await directories.sync(directory);
    return true;
  });
}

/** Makes what was found at `path` durable: its writer may not have synced it yet, or may be a program that never does. */
export async function syncFound(host: MutationHost, path: string, isFile: boolean): Promise<void> {
  const { calls, descriptors, directories, realPath } = host;
  const syncFile = async (): Promise<void> => {
    const fd = await descriptors.open(realPath(path), "r");
    try {
      await calls.fdatasync(fd);
    } catch (error) {
      // A read-only file system has nothing to sync.
      if (errnoOf(error) !== "EROFS") throw error;
    } finally {
      await descriptors.close(fd);
    }
  };
  const directory = parentOf(path);
  await settle([...(isFile ? [syncFile()] : []), directories.anchor(directory), directories.sync(directory)]);
}

/** Waits for all of `tasks`, then throws the first failure: nothing continues in the background. */
async function settle(tasks: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(tasks)) if (result.status === "rejected") throw result.reason;
}

/**
 * Renames a file. `durable` makes the new name durable, with the directories above it. The directory of the old name needs no sync:
 * after a power loss the rename has happened completely or not at all, and a caller without an answer must expect either.
 */
export async function renameFile(host: MutationHost, from: string, to: string, durable: boolean): Promise<void> {
  const { calls, directories, realPath } = host;
  const directory = parentOf(to);
  const rename = (): Promise<void> => renameOver(calls, realPath(from), realPath(to));
  try {
    await rename();
  } catch (error) {
    if (!isMissing(error)) throw error;
    // If the source is missing, that is the error, and no directory is created for the target.
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

/** Removes a file, or a directory with everything in it. Rejects with ENOENT if there is neither. */
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
      // Another process has created something in it meanwhile.
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
