import type { Readable } from "node:stream";
import type { CallOptions, ListOptions, ListPage, RedirectRequest } from "../../contract/driver.js";
import type { SourceFile } from "../../contract/object-storage.js";
import type { ServiceFault } from "./faults.js";
import type { PartSender } from "./part-sender.js";

/** What a service reports about an object. */
export interface ObjectInfo {
  readonly size: number;
  readonly modified: Date;
  /** Changes with every write; empty if the service doesn't tell. */
  readonly version: string;
}

/** A whole object in memory. */
export interface WholeObject {
  readonly bytes: Buffer;
  readonly version: string;
}

/** A piece of an object that is about to be streamed. */
export interface OpenPiece {
  readonly body: Readable;
  /** The whole object's. */
  readonly size: number;
  readonly version: string;
}

/** Which bytes of an object: from `start` to `end` (inclusive; undefined: to the last). With `version` only of that content. */
export interface Piece {
  readonly start: number;
  readonly end: number | undefined;
  readonly version?: string | undefined;
}

/**
 * The calls of a service that keeps objects, by the paths of the registry: what {@link createObjectDriver} makes a driver of. They
 * have retries and time limits already, and throw ServiceFault and StorageError.
 */
export interface ObjectService {
  /** The driver's name in errors and metrics. */
  readonly name: string;
  readonly smallestPart: number;
  readonly largestWrite: number;
  readonly largestShared: number;
  /** How long the service may be silent in the middle of a stream (ms). */
  readonly patience: number;
  /** `not-found` if there is no object, and if there is no bucket. */
  head(path: string, call: CallOptions | undefined): Promise<ObjectInfo>;
  /** All of an object; StorageError if it has more than `limit` bytes. */
  whole(path: string, limit: number, call: CallOptions | undefined): Promise<WholeObject>;
  piece(path: string, piece: Piece, call: CallOptions | undefined): Promise<OpenPiece>;
  /** Pauses before a broken stream continues. */
  retryLater(state: RetryState, fault: ServiceFault, signal: AbortSignal | undefined): Promise<void>;
  put(path: string, bytes: Uint8Array, call: CallOptions | undefined): Promise<void>;
  putVersioned(
    path: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: CallOptions | undefined,
  ): Promise<{ readonly written: boolean }>;
  /** A page of a directory's children; undefined if it doesn't exist. */
  list(directory: string, options: ListOptions | undefined): Promise<ListPage | undefined>;
  /** When some object below `directory` was written; undefined if there is none. */
  firstBelow(directory: string, call: CallOptions | undefined): Promise<{ readonly modified: Date } | undefined>;
  /** Removes objects, whether or not they exist; with `version` only that content of them, where the service can. */
  remove(paths: readonly string[], call: CallOptions | undefined, version?: string): Promise<void>;
  /** Removes everything below `directory`; returns whether there was anything. */
  removeBelow(directory: string, call: CallOptions | undefined): Promise<boolean>;
  compose(sources: readonly SourceFile[], to: string, call: CallOptions | undefined): Promise<void>;
  /** Sends the parts of a large new object. */
  sender(path: string): PartSender;
  /** Undefined if the driver's identity can't sign addresses. */
  redirectUrl(path: string, request: RedirectRequest, call: CallOptions | undefined): Promise<string | undefined>;
  abortUnfinished(directory: string, olderThan: Date, call: AbortOptions | undefined): Promise<number>;
  /** Throws a `refused` fault that names the bucket if it doesn't exist. */
  checkBucket(call: CallOptions | undefined): Promise<void>;
  /** Translates errors that a call hasn't, such as those of a library before it sends a request. */
  toFault(error: unknown, operation: string): ServiceFault;
  close(): void;
}

export type AbortOptions = CallOptions & { readonly dryRun?: boolean };

/** How many times something has failed, and since when. */
export interface RetryState {
  failures: number;
  readonly since: number;
}
