import { randomUUID } from "node:crypto";
import type { CallOptions, FileWriter, StorageDriver } from "../contract/driver.js";
import type { ObjectStorage } from "../contract/object-storage.js";
import { isStorageError, StorageError } from "../errors.js";
import { uploadSegment } from "../layout/paths.js";
import type { Digester } from "../model/digest.js";
import type { Session } from "./upload-protocol.js";
import type { Segment } from "./upload-state.js";

/** What is added to a session: new segments, once they are finished. */
export interface SegmentWriter {
  /** Bytes written so far. */
  readonly size: number;
  /** Takes ownership of `chunk`. */
  write(chunk: Uint8Array): Promise<void>;
  /** Makes what was written durable, and tells the segments; none where nothing was written. */
  finish(): Promise<readonly Segment[]>;
  /** Drops what was written, as far as the storage lets it: what stays is nobody's, and removed when uploads are purged. */
  cancel(): Promise<void>;
}

/**
 * Writes segments of the session, each as large as the storage lets one file be. Nothing reads them before a state names
 * them, so that a writer that was given up does no harm, however late it wakes up.
 */
export function createSegmentWriter(driver: StorageDriver & ObjectStorage, { name, uuid }: Session): SegmentWriter {
  const finished: Segment[] = [];
  let current: { readonly id: string; readonly writer: FileWriter } | undefined;
  let size = 0;

  const finishCurrent = async (): Promise<void> => {
    if (current === undefined) return;
    const { id, writer } = current;
    await writer.commit();
    finished.push({ id, size: writer.size, level: 0 });
    current = undefined;
  };

  const openNext = async (): Promise<FileWriter> => {
    const id = randomUUID();
    const writer = await driver.writer(uploadSegment(name, uuid, id));
    current = { id, writer };
    return writer;
  };

  return {
    get size() {
      return size;
    },
    write: async (chunk) => {
      for (let rest = chunk; rest.length > 0;) {
        const writer = current?.writer ?? (await openNext());
        const part = rest.subarray(0, driver.largestWrite - writer.size);
        rest = rest.subarray(part.length);
        await writer.write(part);
        size += part.length;
        if (writer.size >= driver.largestWrite) await finishCurrent();
      }
    },
    finish: async () => {
      await finishCurrent();
      return finished;
    },
    cancel: async () => {
      try {
        await current?.writer.cancel();
        if (finished.length > 0) await driver.deleteFiles(finished.map(({ id }) => uploadSegment(name, uuid, id)));
      } catch (error) {
        if (!isStorageError(error)) throw error;
      }
    },
  };
}

/** Writes the bytes of `segment` to `writer`, and to `digester`. Throws UPLOAD_TAKEN_OVER where it is gone. */
export async function carryOver(
  driver: StorageDriver,
  { name, uuid }: Session,
  segment: Segment,
  { writer, digester }: { readonly writer: SegmentWriter; readonly digester: Digester | undefined },
  options?: CallOptions,
): Promise<void> {
  const stream = await orTakenOver(uuid, driver.open(uploadSegment(name, uuid, segment.id), options));
  try {
    for await (const chunk of stream) {
      digester?.update(chunk);
      // The writer keeps chunks that the stream may fill again.
      await writer.write(chunk.slice());
    }
  } finally {
    await stream.close();
  }
}

/** What `work` on a session's files resolves to: nobody removes those but one who has taken the session over, or ended it. */
export async function orTakenOver<T>(uuid: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isStorageError(error, "PATH_NOT_FOUND") ? new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid }) : error;
  }
}
