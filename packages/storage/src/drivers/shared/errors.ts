import { StorageError, type StorageObstacle } from "../../errors.js";

/** There is nothing at `path`, or no file although a file is expected. */
export function pathNotFound(driver: string, path: string, cause?: unknown): StorageError {
  return new StorageError({ code: "PATH_NOT_FOUND", driver, path }, { cause });
}

/** `operation` failed for a reason that the driver doesn't recognise. */
export function driverError(
  driver: string,
  operation: string,
  path: string,
  cause: unknown,
  obstacle?: StorageObstacle,
): StorageError {
  const fault = { code: "DRIVER_ERROR", driver, operation, path } as const;
  return new StorageError(obstacle === undefined ? fault : { ...fault, obstacle }, { cause });
}

/** The file at `path` is larger than the limit for reading it at once. */
export function tooLarge(driver: string, path: string, size: number, limit: number): StorageError {
  return driverError(driver, "read", path, new Error(`the file has ${size} bytes, more than the limit of ${limit}`));
}

/** Throws INVALID_OFFSET unless `offset` is within a file of `size` bytes, or at its end. */
export function checkOffset(driver: string, path: string, offset: number, size: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) {
    throw new StorageError({ code: "INVALID_OFFSET", driver, path, offset });
  }
}

/** A driver's parameters are wrong: which one, what was found, what is allowed. */
export class DriverParameterError extends Error {
  override readonly name = "DriverParameterError";
  readonly driver: string;
  /** The invalid parameter; undefined if the driver itself is unknown. */
  readonly parameter: string | undefined;

  constructor(driver: string, parameter: string | undefined, message: string) {
    super(message);
    this.driver = driver;
    this.parameter = parameter;
  }
}
