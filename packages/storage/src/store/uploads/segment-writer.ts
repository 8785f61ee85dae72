import { randomUUID } from "node:crypto";
import type { CallOptions, FileWriter, StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage } from "../../contract/object-storage.js";
import { isStorageError, StorageError } from "../../errors.js";
import { uploadSegment } from "../../layout/paths.js";
import type { Digester } from "../../model/digest.js";
import type { Session } from "./protocol.js";
import type { Segment } from "./state.js";

/** Writes bytes to new segments of a session. */
export interface SegmentWriter {
  /** Bytes written so far. */
  readonly size: number;
  /** Takes ownership of `chunk`. */
  write(chunk: Uint8Array): Promise<void>;
  /** Makes everything durable and returns the segments; none if nothing was written. */
  finish(): Promise<readonly Segment[]>;
  /** Discards everything, as far as the storage allows. Leftovers are removed when uploads are purged. */
  cancel(): Promise<void>;
}

/**
 * Each segment is as large as the storage allows for one file. Segments aren't read before a state names them, so that an
 * abandoned writer does no harm, however late it wakes up.
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

/** Copies the bytes of `segment` to `writer` and `digester`. Throws UPLOAD_TAKEN_OVER if it is gone. */
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
      // A copy: the writer keeps the chunk, and the stream may reuse its buffer.
      await writer.write(chunk.slice());
    }
  } finally {
    await stream.close();
  }
}

/** Translates a missing file: a session's files only disappear if another request has taken it over or ended it. */
export async function orTakenOver<T>(uuid: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isStorageError(error, "PATH_NOT_FOUND") ? new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid }) : error;
  }
}
