import { StorageError } from "../errors.js";

/** Nothing is at `path`, or no file where a file is asked for. */
export function pathNotFound(driver: string, path: string, cause?: unknown): StorageError {
  return new StorageError({ code: "PATH_NOT_FOUND", driver, path }, { cause });
}

/** `operation` failed for a reason that the driver has no word for. */
export function driverError(driver: string, operation: string, path: string, cause: unknown): StorageError {
  return new StorageError({ code: "DRIVER_ERROR", driver, operation, path }, { cause });
}

/** What a path has more bytes than is allowed to be read at once. */
export function tooLarge(driver: string, path: string, size: number, limit: number): StorageError {
  return driverError(driver, "read", path, new Error(`the file has ${size} bytes, more than the limit of ${limit}`));
}

/** Throws INVALID_OFFSET unless `offset` lies in a file of `size` bytes, or just at its end. */
export function checkOffset(driver: string, path: string, offset: number, size: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) {
    throw new StorageError({ code: "INVALID_OFFSET", driver, path, offset });
  }
}
