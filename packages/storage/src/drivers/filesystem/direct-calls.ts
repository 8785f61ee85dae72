import fs from "node:fs";
import type { FileCalls } from "./calls.js";

/** A call that takes longer than this (ms) wasn't answered from the kernel's memory. */
const SLOW = 1;
/** How many calls are then made asynchronously, so that several wait for the disk concurrently. */
const PATIENT = 64;

/**
 * Calls for a process that serves no requests, such as a command: synchronous while the kernel answers from memory, which takes a
 * fifth of the processor time, and otherwise made by `calls`. Writes and syncs always are.
 */
export function createDirectCalls(calls: FileCalls, clock: () => number): FileCalls {
  let patient = 0;

  const either = <T>(atOnce: () => T, patiently: () => Promise<T>): Promise<T> => {
    if (patient > 0) {
      patient -= 1;
      return patiently();
    }
    const began = clock();
    try {
      return Promise.resolve(atOnce());
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error("the call failed", { cause: error }));
    } finally {
      if (clock() - began > SLOW) patient = PATIENT;
    }
  };

  return {
    ...calls,
    stat: (path) =>
      either(
        () => fs.statSync(path),
        () => calls.stat(path),
      ),
    lstat: (path) =>
      either(
        () => fs.lstatSync(path),
        () => calls.lstat(path),
      ),
    fstat: (fd) =>
      either(
        () => fs.fstatSync(fd),
        () => calls.fstat(fd),
      ),
    open: (path, flags) =>
      either(
        () => fs.openSync(path, flags, 0o666),
        () => calls.open(path, flags),
      ),
    close: (fd) =>
      either(
        () => fs.closeSync(fd),
        () => calls.close(fd),
      ),
    read: (fd, buffer, offset, length, position) =>
      either(
        () => fs.readSync(fd, buffer, offset, length, position),
        () => calls.read(fd, buffer, offset, length, position),
      ),
    rename: (from, to) =>
      either(
        () => fs.renameSync(from, to),
        () => calls.rename(from, to),
      ),
    unlink: (path) =>
      either(
        () => fs.unlinkSync(path),
        () => calls.unlink(path),
      ),
    rmdir: (path) =>
      either(
        () => fs.rmdirSync(path),
        () => calls.rmdir(path),
      ),
    readdir: (path) =>
      either(
        () => fs.readdirSync(path),
        () => calls.readdir(path),
      ),
  };
}
