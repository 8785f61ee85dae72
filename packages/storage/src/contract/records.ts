/** The value of a record, with what a later change compares. */
export interface VersionedRecord {
  readonly value: Uint8Array;
  /** Opaque; changes with the value. */
  readonly version: string;
}

/**
 * Small records beside the registry's content, shared by all of its processes and replicas. Every change is conditional, and
 * durable when it resolves. A name is slash-separated words of `[a-z0-9._-]`. Throws StorageError.
 */
export interface RecordStore {
  read(name: string): Promise<VersionedRecord | undefined>;
  /** False if a record of this name exists. Of several that create one, one does. */
  create(name: string, value: Uint8Array): Promise<boolean>;
  /** False if the record is no longer at `version`, or is gone. */
  replace(name: string, value: Uint8Array, version: string): Promise<boolean>;
  /** Idempotent. */
  remove(name: string): Promise<void>;
  /** The names below a folder, ascending within each folder, in pages that are read as they are asked for. */
  list(folder: string): AsyncIterable<string>;
}
