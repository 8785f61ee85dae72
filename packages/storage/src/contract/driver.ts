/** Options of every asynchronous call: if `signal` aborts, the call rejects with its reason. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a driver knows about a path. */
export interface FileInfo {
  readonly path: string;
  /** Bytes; 0 for a directory. */
  readonly size: number;
  readonly modified: Date;
  readonly isDirectory: boolean;
  /** Over object storage, if it tells: the version of a file, as `ObjectStorage.readVersioned` has it. */
  readonly version?: string | undefined;
}

/** A part of a file, from byte `start` to byte `end` inclusive; by default the whole file. */
export interface ByteRange {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/**
 * A stream of a file's bytes, for one consumer. A chunk is only valid until the next one is requested, because a driver may
 * reuse its buffer. `close` is idempotent and must be called on every path; it also ends a pending `next`.
 */
export interface ContentStream extends AsyncIterable<Uint8Array> {
  /** The size of the whole file in bytes, whatever range is read. */
  readonly size: number;
  close(): Promise<void>;
}

/**
 * Writes one file from its beginning or its end. There must be only one writer of a path at a time, which the upload protocol
 * ensures (docs/protocols/uploads.md). After `close`, `commit` or `cancel` every `write` throws, and so does a `commit` after
 * `close` or `cancel`; a `close` after `commit` or `cancel` does nothing.
 */
export interface FileWriter {
  /** The file's bytes, including those of earlier writers and those still in buffers. */
  readonly size: number;
  /** The bytes whose chunks the writer doesn't need any more: they may be overwritten. Undefined: it keeps its chunks. */
  readonly flushed?: number | undefined;
  /** Takes ownership of `chunk`, and resolves when the next one may be passed (back-pressure, bounded buffering). */
  write(chunk: Uint8Array, options?: CallOptions): Promise<void>;
  /**
   * Makes the written bytes durable, so that a later writer with `append` can continue. The file's name becomes durable with
   * `move`. Idempotent.
   */
  close(options?: CallOptions): Promise<void>;
  /** Makes the written bytes durable and completes the file, which can then be read and moved. */
  commit(options?: CallOptions): Promise<void>;
  /** Discards the file, including the bytes of earlier writers. Idempotent. */
  cancel(options?: CallOptions): Promise<void>;
}

/** Options of calls that change or report what is on stable storage. */
export interface DurabilityOptions extends CallOptions {
  /**
   * For `write` and `move` (default true): false skips every sync, for what a power loss may undo, such as the bookkeeping of an
   * upload session. For `stat` and `read` (default false): true makes the file and its directory entry durable first, so that
   * the caller may rely on what another process, or a program that doesn't sync, has written a moment ago. Storage that is
   * always durable ignores it.
   */
  readonly durable?: boolean | undefined;
}

/** Options of a call that concerns a file and nothing else. */
interface FileOnlyOptions {
  /**
   * The caller expects a file. A directory may then be reported as PATH_NOT_FOUND, and a `delete` of nothing may resolve: this
   * saves a listing in object storage.
   */
  readonly fileOnly?: boolean | undefined;
}

export type StatOptions = DurabilityOptions & FileOnlyOptions;
export type DeleteOptions = CallOptions & FileOnlyOptions;

/**
 * One page of a directory's children. Names that no path can have, and leftovers of unfinished writes, are left out. A driver may
 * return the same object again as long as nothing has changed, so that callers know what they have made of it.
 */
export interface ListPage {
  /** Names (not paths), ascending by bytes. */
  readonly names: readonly string[];
  /** Whether names after the last one exist. */
  readonly more: boolean;
}

export interface ListOptions extends CallOptions {
  /** Only names greater than this one, by bytes. */
  readonly startAfter?: string | undefined;
  /** The maximum number of names. */
  readonly limit?: number | undefined;
}

/**
 * Reads and writes bytes by path. Paths are absolute, separated by `/`, and consist of `A-Za-z0-9._-` (wire contract §6.1);
 * anything else throws INVALID_PATH before storage is touched. Errors: PATH_NOT_FOUND, INVALID_PATH, INVALID_OFFSET, UNSUPPORTED,
 * and DRIVER_ERROR with the cause for everything that a driver doesn't recognise: a failing disk is never "not found".
 */
export interface StorageDriver {
  /** The name in errors and metrics: `filesystem`, `inmemory`, `s3aws`, `azure`, `gcs`. */
  readonly name: string;
  /**
   * Reads a small file. `limit` in bytes (16 MiB by default): a larger file throws DRIVER_ERROR instead of filling memory. The
   * bytes may be shared with other callers and must not be modified. A directory is PATH_NOT_FOUND.
   */
  read(path: string, options?: DurabilityOptions & { readonly limit?: number }): Promise<Uint8Array>;
  /** Replaces or creates a small file, parents included: atomic for readers, durable when it resolves. */
  write(path: string, bytes: Uint8Array, options?: DurabilityOptions): Promise<void>;
  stat(path: string, options?: StatOptions): Promise<FileInfo>;
  /**
   * Opens a file for one sequential read. A `start` beyond the size throws INVALID_OFFSET; at the size it is empty. An `end`
   * beyond the size reads to the end.
   */
  open(path: string, options?: CallOptions & ByteRange): Promise<ContentStream>;
  /** With `append` it continues an existing file (PATH_NOT_FOUND if there is none); otherwise it creates one, parents included. */
  writer(path: string, options?: CallOptions & { readonly append?: boolean }): Promise<FileWriter>;
  /** A page of a directory's children in order, at a cost of about a page of entries. Throws PATH_NOT_FOUND. */
  list(path: string, options?: ListOptions): Promise<ListPage>;
  /** Renames a file, replacing the target, parents included; durable when it resolves. Of two concurrent moves, one succeeds. */
  move(from: string, to: string, options?: DurabilityOptions): Promise<void>;
  /** Removes a file or a whole directory. Throws PATH_NOT_FOUND. */
  delete(path: string, options?: DeleteOptions): Promise<void>;
  /** Ends background work and releases all resources. Idempotent. */
  close(): Promise<void>;
}

/** What a redirecting driver needs to know about a client's request. */
export interface RedirectRequest {
  readonly method: "GET" | "HEAD";
  /** The client's address, for per-client rules. */
  readonly clientAddress?: string | undefined;
}

/** A driver whose files clients can fetch from elsewhere. */
export interface Redirecting {
  /** The URL to send the client to; undefined to serve the bytes from here. */
  redirectUrl(path: string, request: RedirectRequest, options?: CallOptions): Promise<string | undefined>;
}

/** Whether `driver` can redirect clients. */
export function canRedirect(driver: StorageDriver): driver is StorageDriver & Redirecting {
  return "redirectUrl" in driver && typeof driver.redirectUrl === "function";
}

/**
 * A driver of real files: it can update a file's modification time without changing its bytes, a `move` keeps that time and is
 * atomic, and directories exist by themselves.
 */
export interface Touching {
  /**
   * Sets `modified` to now by the storage's clock, and then checks that the file is still at its path. If another process moves
   * the file away, either that process sees the new time afterwards, or this call throws PATH_NOT_FOUND. Not synced.
   */
  touch(path: string, options?: CallOptions): Promise<void>;
  /**
   * Like `move`, but doesn't create the target's directory: throws PATH_NOT_FOUND if that or the file doesn't exist. Atomic: if
   * another process removes the directory first, the file stays where it is. Not synced.
   */
  moveInto(from: string, to: string, options?: CallOptions): Promise<void>;
  /** Removes an empty directory, and returns whether it did. Atomic: nothing that appears in it can be lost. */
  prune(path: string, options?: CallOptions): Promise<boolean>;
  /**
   * Creates a small file, parents included, unless something is there, and tells whether it did: of several that try, one
   * does. Readers see all of it or nothing; durable when it resolves. With `secret` only its owner may read it.
   */
  writeNew(
    path: string,
    bytes: Uint8Array,
    options?: CallOptions & { readonly secret?: boolean | undefined },
  ): Promise<boolean>;
  /** Where the symbolic link at `path` leads, relative to the directory `base`; undefined if it isn't a link. */
  resolveLink(path: string, base: string, options?: CallOptions): Promise<LinkTarget | undefined>;
}

/** Where a symbolic link leads. */
export type LinkTarget =
  /** To nothing, or in a circle. */
  | { readonly kind: "nowhere" }
  /** To `path` below the base, without a leading slash; empty for the base itself. */
  | { readonly kind: "inside"; readonly path: string }
  | { readonly kind: "outside" };

/** Whether `driver` can update modification times. */
export function canTouch(driver: StorageDriver): driver is StorageDriver & Touching {
  return "touch" in driver && typeof driver.touch === "function";
}
