import { errnoOf, hasErrno } from "@longshore/base/errno";
import fs, { type Stats, type StatsFs } from "node:fs";
import { dirname } from "node:path";
import type { StorageObstacle } from "../../errors.js";

/**
 * The system calls of the driver, as promises over descriptors: half the processor time of `fs.promises` (7 µs instead of 14 µs
 * for a `stat`). None is synchronous, since a hanging disk must not block the process, except those that quick-calls.ts has
 * rules for. Tests inject faults here.
 */
export interface FileCalls {
  stat(path: string): Promise<Stats>;
  /** Synchronous; undefined if nothing is there, or if that is unknown. */
  statNow(path: string): Stats | undefined;
  /** Like {@link statNow}, without following a symbolic link. */
  lstatNow(path: string): Stats | undefined;
  /** Synchronous: opens a directory for reading; undefined if that fails. */
  openNow(path: string): number | undefined;
  /** Synchronous; for a descriptor that nothing was written to. */
  closeNow(fd: number): void;
  /** How many blocks this process has had read from disks so far (`ru_inblock` of getrusage(2)). */
  diskReads(): number;
  /** `f_type` of statfs(2). */
  fileSystemType(path: string): Promise<number>;
  lstat(path: string): Promise<Stats>;
  /** The path without symbolic links. */
  realpath(path: string): Promise<string>;
  fstat(fd: number): Promise<Stats>;
  open(path: string, flags: string | number): Promise<number>;
  close(fd: number): Promise<void>;
  /** Resolves with the number of bytes read. */
  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /** Resolves with the number of bytes written, which may be fewer than there are. */
  writev(fd: number, buffers: readonly Uint8Array[], position: number): Promise<number>;
  fsync(fd: number): Promise<void>;
  fdatasync(fd: number): Promise<void>;
  ftruncate(fd: number, size: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A second name of a file; EEXIST if something is there. */
  link(from: string, to: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  /** Sets the times of access and change; ms since the epoch. */
  utimes(path: string, time: number): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  /** Makes the directory and its missing parents. Resolves with the first that was made, if any. */
  mkdir(path: string): Promise<string | undefined>;
  readdir(path: string): Promise<string[]>;
}

/** 0666 and 0777, both minus the umask (wire contract §6.2). */
const FILE_MODE = 0o666;
const DIRECTORY_MODE = 0o777;

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function call<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

function callVoid(start: (done: (error: NodeJS.ErrnoException | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

function orUndefined<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}

/** Node's own calls. */
export function nodeCalls(): FileCalls {
  return {
    stat: (path) => call((done) => fs.stat(path, done)),
    statNow: (path) => orUndefined(() => fs.statSync(path, { throwIfNoEntry: false })),
    lstatNow: (path) => orUndefined(() => fs.lstatSync(path, { throwIfNoEntry: false })),
    openNow: (path) => orUndefined(() => fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)),
    closeNow: (fd) => fs.closeSync(fd),
    diskReads: () => process.resourceUsage().fsRead,
    fileSystemType: async (path) => (await call<StatsFs>((done) => fs.statfs(path, done))).type,
    lstat: (path) => call((done) => fs.lstat(path, done)),
    realpath: (path) => call((done) => fs.realpath.native(path, done)),
    fstat: (fd) => call((done) => fs.fstat(fd, done)),
    open: (path, flags) => call((done) => fs.open(path, flags, FILE_MODE, done)),
    close: (fd) =>
      new Promise((resolve, reject) => {
        fs.close(fd, (error) => (error ? reject(error) : resolve()));
      }),
    read: (fd, buffer, offset, length, position) =>
      call((done) => fs.read(fd, buffer, offset, length, position, (error, count) => done(error, count))),
    writev: (fd, buffers, position) =>
      call((done) => fs.writev(fd, buffers, position, (error, count) => done(error, count))),
    fsync: (fd) => callVoid((done) => fs.fsync(fd, done)),
    fdatasync: (fd) => callVoid((done) => fs.fdatasync(fd, done)),
    ftruncate: (fd, size) => callVoid((done) => fs.ftruncate(fd, size, done)),
    rename: (from, to) => callVoid((done) => fs.rename(from, to, done)),
    link: (from, to) => callVoid((done) => fs.link(from, to, done)),
    chmod: (path, mode) => callVoid((done) => fs.chmod(path, mode, done)),
    utimes: (path, time) => {
      // A fraction of seconds isn't exact: with a quarter of a millisecond more, it is never rounded to the wrong one.
      const seconds = (time + 0.25) / 1000;
      return callVoid((done) => fs.utimes(path, seconds, seconds, done));
    },
    unlink: (path) => callVoid((done) => fs.unlink(path, done)),
    rmdir: (path) => callVoid((done) => fs.rmdir(path, done)),
    mkdir: (path) => makeDirectories(path),
    readdir: (path) => call((done) => fs.readdir(path, done)),
  };
}

/** How many times in a row another process may remove a parent before its child is created. */
const ATTEMPTS = 5;

/**
 * Creates `path` and its missing parents, one after the other; resolves to the first that it created. Node's recursive mkdir
 * never ends if a parent exists but nothing can be created in it, as below /proc, and reports a read-only file system as ENOENT.
 */
async function makeDirectories(path: string): Promise<string | undefined> {
  let first: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await callVoid((done) => fs.mkdir(path, DIRECTORY_MODE, done));
      return first ?? path;
    } catch (error) {
      const code = errnoOf(error);
      const parent = dirname(path);
      if (code === "ENOENT" && parent !== path && attempt < ATTEMPTS) {
        const made = await makeDirectories(parent);
        first = made ?? first;
        continue;
      }
      if (code === "ENOENT") throw error;
      // For an existing directory that can't be entered the system reports something other than EEXIST.
      const found = await call<fs.Stats>((done) => fs.stat(path, done)).catch((cause: unknown) => {
        throw code === "EEXIST" ? cause : error;
      });
      if (found.isDirectory()) return first;
      throw error;
    }
  }
}

/** Whether `error` means that there is nothing at a path; also one below a file, or in a circle of symbolic links. */
export function isMissing(error: unknown): boolean {
  return hasErrno(error, "ENOENT", "ENOTDIR", "ELOOP");
}

const OBSTACLES: Readonly<Record<string, StorageObstacle>> = {
  ENOSPC: "full",
  EDQUOT: "quota",
  EROFS: "read-only",
  EACCES: "denied",
  EPERM: "denied",
  ENAMETOOLONG: "name-too-long",
};

/** The obstacle that the system reports, also if its error is only the cause of `error`. */
export function obstacleOf(error: unknown): StorageObstacle | undefined {
  const code = errnoOf(error);
  if (code !== undefined) return OBSTACLES[code];
  return error instanceof Error && error.cause !== undefined ? obstacleOf(error.cause) : undefined;
}
