/** Options of every asynchronous call: the wait ends when `signal` aborts, with the signal's reason. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a driver knows of a path. */
export interface FileInfo {
  readonly path: string;
  /** Bytes; 0 for a directory. */
  readonly size: number;
  readonly modified: Date;
  readonly isDirectory: boolean;
}

/** A part of a file: from byte `start` up to and including byte `end`; the whole file where absent. */
export interface ByteRange {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/**
 * A stream of a file's bytes, read by one consumer.
 * A chunk's bytes are valid until the consumer asks for the next one: a driver may fill the same buffer again.
 * `close` is idempotent and must be called on every path; it also ends a `next` that waits.
 */
export interface ContentStream extends AsyncIterable<Uint8Array> {
  /** The whole file's size in bytes, whatever range is read. */
  readonly size: number;
  close(): Promise<void>;
}

/**
 * Writes one file from its beginning or from its end. One writer at a time for a path; see the upload protocol
 * (docs/architecture.md) for who makes sure of that. After `close`, `commit` or `cancel` every `write` throws, as does a
 * `commit` after `close` or `cancel`; a `close` after `commit` or `cancel` does nothing.
 */
export interface FileWriter {
  /** Bytes that the file has, with those that earlier writers left and those still buffered. */
  readonly size: number;
  /** Takes ownership of `chunk`, and resolves when another may be handed over (back-pressure, bounded buffering). */
  write(chunk: Uint8Array, options?: CallOptions): Promise<void>;
  /**
   * Makes the bytes written durable and keeps them so that a later writer with `append` can go on. The file's name becomes
   * durable with `move`. Idempotent.
   */
  close(options?: CallOptions): Promise<void>;
  /** Makes the bytes written durable and the file complete: it can be read and moved. */
  commit(options?: CallOptions): Promise<void>;
  /** Drops what was written by every writer so far; the path is gone. Idempotent. */
  cancel(options?: CallOptions): Promise<void>;
}

/** Options of calls that change or report what is on stable storage. */
export interface DurabilityOptions extends CallOptions {
  /**
   * For `write` and `move` (default true): false skips every sync, for what a power loss may take back, such as an upload
   * session's bookkeeping. For `stat` (default false): true makes the entry durable first, so that an answer may rely on a
   * file that another process may have put there an instant ago. Storage that is always durable ignores it.
   */
  readonly durable?: boolean | undefined;
}

/** Options of a call that concerns a file and nothing else. */
interface FileOnlyOptions {
  /**
   * The caller means a file. What is only a directory may then be reported as PATH_NOT_FOUND, and a `delete` may resolve where
   * nothing is: object storage spares a listing for it.
   */
  readonly fileOnly?: boolean | undefined;
}

export type StatOptions = DurabilityOptions & FileOnlyOptions;
export type DeleteOptions = CallOptions & FileOnlyOptions;

/** One page of a directory's children. Names that no path can have, and leftovers of unfinished writes, are left out. */
export interface ListPage {
  /** Names (not paths), ascending by bytes. */
  readonly names: readonly string[];
  /** Whether names after the last one exist. */
  readonly more: boolean;
}

export interface ListOptions extends CallOptions {
  /** Only names greater than this one, by bytes. */
  readonly startAfter?: string | undefined;
  /** At most so many names. */
  readonly limit?: number | undefined;
}

/**
 * Where bytes live. Paths are absolute, `/`-separated, of the characters `A-Za-z0-9._-` (contract §6.1); anything else
 * throws INVALID_PATH before storage is touched. Errors: PATH_NOT_FOUND, INVALID_PATH, INVALID_OFFSET, UNSUPPORTED, and
 * DRIVER_ERROR with the cause for everything a driver doesn't recognise: a failing disk is never "not found".
 */
export interface StorageDriver {
  /** The name in errors and metrics: `filesystem`, `inmemory`, `s3aws`. */
  readonly name: string;
  /**
   * A whole small file. `limit` in bytes (16 MiB where absent): a larger file throws DRIVER_ERROR instead of filling memory.
   * The bytes may be shared with other callers: they are only to be read. A directory is PATH_NOT_FOUND.
   */
  read(path: string, options?: CallOptions & { readonly limit?: number }): Promise<Uint8Array>;
  /** Replaces or creates a small file, parents included: atomic for readers, durable when it resolves. */
  write(path: string, bytes: Uint8Array, options?: DurabilityOptions): Promise<void>;
  stat(path: string, options?: StatOptions): Promise<FileInfo>;
  /**
   * Opens a file for one sequential read. A `start` beyond the size throws INVALID_OFFSET; at the size it is empty. An `end`
   * beyond the size reads to the end.
   */
  open(path: string, options?: CallOptions & ByteRange): Promise<ContentStream>;
  /** With `append` it goes on behind what is there (PATH_NOT_FOUND where nothing is); else it starts empty, parents included. */
  writer(path: string, options?: CallOptions & { readonly append?: boolean }): Promise<FileWriter>;
  /** A page of a directory's children in order; costs about a page of entries. PATH_NOT_FOUND where nothing is. */
  list(path: string, options?: ListOptions): Promise<ListPage>;
  /** Renames a file, replacing the target, parents included; durable when it resolves. Of two movers of one file, one wins. */
  move(from: string, to: string, options?: DurabilityOptions): Promise<void>;
  /** Removes a file or a whole directory. PATH_NOT_FOUND where nothing is. */
  delete(path: string, options?: DeleteOptions): Promise<void>;
  /** Ends background work and frees what the driver holds. Idempotent. */
  close(): Promise<void>;
}

/** What a client asks of a redirecting driver. */
export interface RedirectRequest {
  readonly method: "GET" | "HEAD";
  /** The client's address, for per-client rules. */
  readonly clientAddress?: string | undefined;
}

/** A driver whose files a client can fetch from elsewhere. */
export interface Redirecting {
  /** The address to send the client to; undefined to serve the bytes from here. */
  redirectUrl(path: string, request: RedirectRequest, options?: CallOptions): Promise<string | undefined>;
}

/** Whether `driver` can send clients elsewhere. */
export function canRedirect(driver: StorageDriver): driver is StorageDriver & Redirecting {
  return "redirectUrl" in driver && typeof driver.redirectUrl === "function";
}

/**
 * A driver of real files: it can renew a file's time of change without touching its bytes, a `move` keeps that time and is
 * one step, and directories are things of their own.
 */
export interface Touching {
  /**
   * Sets `modified` to now by the storage's clock, and then finds the file at its path: whoever moved it away before and
   * looks at its time afterwards sees the new one, or this call throws PATH_NOT_FOUND. Not synced.
   */
  touch(path: string, options?: CallOptions): Promise<void>;
  /** Removes a directory if nothing is in it, in one step, and tells whether it did. Nothing that appears in it can be lost. */
  prune(path: string, options?: CallOptions): Promise<boolean>;
}

/** Whether `driver` can renew a file's time of change. */
export function canTouch(driver: StorageDriver): driver is StorageDriver & Touching {
  return "touch" in driver && typeof driver.touch === "function";
}
