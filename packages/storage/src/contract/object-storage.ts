import type { CallOptions, StorageDriver } from "./driver.js";

/** A file whose content becomes a part of a new one. */
export interface SourceFile {
  readonly path: string;
  /** The size of the file in bytes. */
  readonly size: number;
}

/** A small file with an identifier of this version. */
export interface VersionedFile {
  readonly bytes: Uint8Array;
  /** Opaque; changes with every write. */
  readonly version: string;
}

/**
 * What object storage offers instead of renaming: there a move is a copy and a delete, files can't be appended to, and every
 * write replaces a whole file atomically. Drivers with these methods are used with their own protocols (docs/protocols/uploads.md).
 *
 * They differ from the driver's contract (driver.ts):
 * - A path may be a file and have files below it: no write is refused because of what is above or below.
 * - A writer changes nothing at its path before `commit`. `close` without a commit and `cancel` both discard what this writer
 *   wrote, and keep what was there. `append` copies the existing content first, and is for completed files.
 * - `move` is a copy and a delete: several concurrent moves may succeed, and a crash may leave both names.
 * - A stream whose connection breaks continues with the same content, or fails if that has been replaced or removed.
 */
export interface ObjectStorage {
  /** Whether calls are refused at once for a while, because the last ones failed; undefined: it never does so. */
  readonly isRefusing?: (() => boolean) | undefined;
  /**
   * Joins `sources`, in order, into the file `to` within the storage; `to` is replaced atomically. Every source except the last
   * must have at least `smallestPart` bytes. Throws PATH_NOT_FOUND if a source is missing.
   */
  compose(sources: readonly SourceFile[], to: string, options?: CallOptions): Promise<void>;
  /** The minimum size of every source of {@link compose} except the last, in bytes. */
  readonly smallestPart: number;
  /** The maximum size of a file written with `writer`, in bytes; larger ones need several files and {@link compose}. */
  readonly largestWrite: number;
  /** Likewise, at a path where others may be writing the same file at the same time. */
  readonly largestShared: number;
  /** Like `read`, with the version. `limit` in bytes. */
  readVersioned(path: string, options?: CallOptions & { readonly limit?: number }): Promise<VersionedFile>;
  /**
   * Writes a small file if it still has the version `expected` (undefined: if it doesn't exist), and returns whether it did. On
   * storage without conditional writes it always writes: correctness must not depend on the rejection alone.
   */
  writeVersioned(
    path: string,
    bytes: Uint8Array,
    expected: string | undefined,
    options?: CallOptions,
  ): Promise<{ readonly written: boolean }>;
  /** Removes files, whether or not they exist, in as few calls as the storage allows. */
  deleteFiles(paths: readonly string[], options?: CallOptions): Promise<void>;
  /**
   * Aborts writes below `directory` that were started before `olderThan` and never completed, whose parts the storage keeps and
   * charges for. Returns how many.
   */
  abortUnfinished(
    directory: string,
    olderThan: Date,
    options?: CallOptions & { readonly dryRun?: boolean },
  ): Promise<{ readonly aborted: number }>;
}

/** Whether `driver` uses object storage. */
export function isObjectStorage(driver: StorageDriver): driver is StorageDriver & ObjectStorage {
  return "compose" in driver && typeof driver.compose === "function";
}

/** A driver that knows the name of each file in its storage, by which others, such as a CDN, can fetch it there. */
export interface ObjectKeys {
  /** The object key of a file, without a leading `/`. */
  objectKey(path: string): string;
}

/** Whether `driver` knows the object keys of its files. */
export function hasObjectKeys(driver: StorageDriver): driver is StorageDriver & ObjectKeys {
  return "objectKey" in driver && typeof driver.objectKey === "function";
}
