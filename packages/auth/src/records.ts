/** A stored record, with the version that a later change compares. */
export interface StoredRecord {
  readonly value: Uint8Array;
  readonly version: string;
}

/**
 * Small records (keys, personal access tokens, refresh tokens, revocations) on the registry's own storage, so that replicas
 * share them and a backup has them. Every change is conditional and durable when it returns. Names are slash-separated lower-case words of
 * `[a-z0-9._-]`. Throws StorageError-like errors of its implementation; callers turn those into AuthError UNAVAILABLE.
 */
export interface Records {
  read(name: string): Promise<StoredRecord | undefined>;
  /** False if a record of this name exists. */
  create(name: string, value: Uint8Array): Promise<boolean>;
  /** False if the record is no longer at `version`. */
  replace(name: string, value: Uint8Array, version: string): Promise<boolean>;
  /** Idempotent. */
  remove(name: string): Promise<void>;
  /** The names below a folder, ascending within each folder, in pages read as they are asked for. */
  list(folder: string): AsyncIterable<string>;
}
