import { isStorageError, type ContentStream, type Digest, type StorageDriver } from "@longshore/storage";

/** A file that is read while it is written. Every call throws StorageError. */
export interface GrowingFile {
  /** Its path in the spool. */
  readonly path: string;
  /** Bytes whose chunks may be overwritten. */
  readonly flushed: number;
  /** Takes ownership of `chunk`; resolves when another may follow. */
  write(chunk: Uint8Array): Promise<void>;
  /** What is in the file from `start` to `stop` (exclusive) by now; undefined where it doesn't reach `start` yet. */
  open(start: number, stop: number): Promise<ContentStream | undefined>;
  /** Makes the complete, verified bytes the blob `digest`, durable; the file is gone then. */
  become(digest: Digest): Promise<void>;
  /** Removes the file. Throws nothing: what stays is removed at the next start. */
  discard(): Promise<void>;
}

/** Makes the finished file at a path the blob of that digest, and removes it there. */
export type Adopt = (path: string, digest: Digest) => Promise<void>;

/** A new file at `path` of `files`, which are real files: other processes and this one can read what is written. */
export async function createGrowingFile(files: StorageDriver, path: string, adopt: Adopt): Promise<GrowingFile> {
  const writer = await files.writer(path);
  return {
    path,
    get flushed() {
      return writer.flushed ?? 0;
    },
    write: (chunk) => writer.write(chunk),
    open: (start, stop) => openGrowing(files, path, start, stop),
    async become(digest) {
      await writer.commit();
      await adopt(path, digest);
    },
    async discard() {
      await writer.close().catch(() => undefined);
      await files.delete(path, { fileOnly: true }).catch(() => undefined);
    },
  };
}

/** What is in a file that may grow, from `start` to `stop` (exclusive); undefined where it doesn't reach `start`, or is gone. */
export async function openGrowing(
  files: StorageDriver,
  path: string,
  start: number,
  stop: number,
): Promise<ContentStream | undefined> {
  try {
    const stream = await files.open(path, { start, end: stop - 1 });
    if (stream.size > start) return stream;
    await stream.close();
    return undefined;
  } catch (error) {
    // Not written yet, or just moved to where blobs are.
    if (isStorageError(error, "INVALID_OFFSET") || isStorageError(error, "PATH_NOT_FOUND")) return undefined;
    throw error;
  }
}
