import type { CallOptions, StorageDriver } from "./driver.js";

/** A whole file that a new one is made of. */
export interface SourceFile {
  readonly path: string;
  /** Bytes; all of the file. */
  readonly size: number;
}

/** A small file with what tells this content of it from any other. */
export interface VersionedFile {
  readonly bytes: Uint8Array;
  /** Opaque; changes with every write. */
  readonly version: string;
}

/**
 * What object storage has in place of renaming: there a move is a copy and a delete, a file can't be appended to, and every
 * write replaces a whole file at once. A driver with these methods gets protocols that are made for it (docs/architecture.md).
 *
 * Of the driver's contract (driver.ts) this is different then:
 * - A path may be a file and have others below it: no write is refused for what is above or below.
 * - A writer changes nothing at its path before `commit`. `close` without a commit and `cancel` both give up what this writer
 *   wrote; what was there stays. `append` copies what is there in front, and is for completed files.
 * - `move` is a copy and a delete: of several movers more than one may succeed, and a crash leaves both names.
 * - A stream whose connection breaks goes on with the same content, or fails if that has been replaced or removed.
 */
export interface ObjectStorage {
  /**
   * Makes the file `to` of `sources`, joined in order, without reading them here; `to` is replaced at once, or not at all.
   * Every source but the last has at least `smallestPart` bytes. PATH_NOT_FOUND where a source is missing.
   */
  compose(sources: readonly SourceFile[], to: string, options?: CallOptions): Promise<void>;
  /** The fewest bytes of a source of {@link compose} that isn't the last one. */
  readonly smallestPart: number;
  /** The most bytes that one file written with `writer` can have; more take several files and {@link compose}. */
  readonly largestWrite: number;
  /** As `read`, with the version. `limit` in bytes. */
  readVersioned(path: string, options?: CallOptions & { readonly limit?: number }): Promise<VersionedFile>;
  /**
   * Writes a small file if it still has the version `expected` (undefined: if it isn't there), and tells whether it did. Where
   * the storage has no conditional writes it always writes: nothing that must not go wrong may rest on the refusal alone.
   */
  writeVersioned(
    path: string,
    bytes: Uint8Array,
    expected: string | undefined,
    options?: CallOptions,
  ): Promise<{ readonly written: boolean }>;
  /** Removes files, whether they are there or not, in as few calls as the storage allows. */
  deleteFiles(paths: readonly string[], options?: CallOptions): Promise<void>;
  /**
   * Ends writes below `directory` that were begun before `olderThan` and never finished, whose parts the storage keeps and
   * charges for. Tells how many.
   */
  abortUnfinished(
    directory: string,
    olderThan: Date,
    options?: CallOptions & { readonly dryRun?: boolean },
  ): Promise<{ readonly aborted: number }>;
}

/** Whether `driver` is over object storage. */
export function isObjectStorage(driver: StorageDriver): driver is StorageDriver & ObjectStorage {
  return "compose" in driver && typeof driver.compose === "function";
}

/** A driver whose files have a name of their own in the storage, by which others fetch them from there: a CDN, for one. */
export interface ObjectKeys {
  /** The object's key of a file, without a leading `/`. */
  objectKey(path: string): string;
}

/** Whether `driver` can tell its files' keys. */
export function hasObjectKeys(driver: StorageDriver): driver is StorageDriver & ObjectKeys {
  return "objectKey" in driver && typeof driver.objectKey === "function";
}
