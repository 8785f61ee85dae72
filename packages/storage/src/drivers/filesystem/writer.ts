import { MIB } from "@longshore/base/size";
import type { FileWriter } from "../../contract/driver.js";
import { abortable } from "@longshore/base/abort";
import type { FileCalls } from "./calls.js";

/** An open file to be written, and what its writer needs from the driver. */
export interface WritableFile {
  readonly fd: number;
  /** Its current size in bytes. */
  readonly size: number;
  /** How many bytes to gather before they are written at once; may change over time. */
  readonly batchBytes: () => number;
  /**
   * Starts to sync what is written so far; undefined if too many others do. Otherwise the disk would idle while a large body
   * arrives, and the client would have to wait for all of it at the end.
   */
  readonly syncEarly: () => Promise<void> | undefined;
  /** Closes the descriptor. Called once. */
  readonly closeFile: () => Promise<void>;
  /** Removes the file. */
  readonly remove: () => Promise<void>;
  readonly fail: (operation: string, cause: unknown) => Error;
}

type State = "open" | "closed" | "committed" | "cancelled";

/** How many bytes must be written before an early sync is worthwhile. */
const EARLY_SYNC = 32 * MIB;

/** The most buffers that one `writev` takes (IOV_MAX). */
const VECTOR = 1024;

/**
 * Gathers chunks into large writes. One write is in progress while the next is gathered, so that the disk works while the caller
 * hashes; if both are full, `write` waits.
 */
export function createFileWriter(calls: FileCalls, file: WritableFile): FileWriter {
  let state: State = "open";
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let size = file.size;
  let position = file.size;
  let writing: Promise<void> | undefined;
  let syncing: Promise<void> | undefined;
  let syncedUpTo = file.size;
  let failure: Error | undefined;
  let ending: Promise<void> | undefined;

  const writeAll = async (chunks: Uint8Array[]): Promise<void> => {
    for (let first = 0; first < chunks.length;) {
      const batch = chunks.slice(first, first + VECTOR);
      let count = await calls.writev(file.fd, batch, position);
      if (count === 0) throw new Error("the file takes no more bytes");
      position += count;
      // A short write: the rest is written next.
      for (const chunk of batch) {
        if (count < chunk.length) {
          chunks[first] = chunk.subarray(count);
          break;
        }
        count -= chunk.length;
        first += 1;
      }
    }
  };

  const startWriting = (): void => {
    const chunks = gathered;
    gathered = [];
    gatheredBytes = 0;
    writing = writeAll(chunks).then(
      () => {
        writing = undefined;
        syncEarly();
        writeIfFull();
      },
      (error: unknown) => {
        fail(error);
        writing = undefined;
      },
    );
  };

  const syncEarly = (): void => {
    if (syncing !== undefined || failure !== undefined || position - syncedUpTo < EARLY_SYNC) return;
    const upTo = position;
    syncing = file.syncEarly()?.then(
      () => {
        syncedUpTo = upTo;
        syncing = undefined;
      },
      // The system reports a lost write to a descriptor only once: the sync at the end would succeed.
      (error: unknown) => {
        fail(error);
        syncing = undefined;
      },
    );
  };

  const fail = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error));
  };

  const writeIfFull = (): void => {
    if (writing === undefined && gatheredBytes >= file.batchBytes()) startWriting();
  };

  const checkFailure = (): void => {
    if (failure !== undefined) throw file.fail("write", failure);
  };

  /** Waits until everything that was gathered is written. */
  const drain = async (): Promise<void> => {
    while (writing !== undefined || (gathered.length > 0 && failure === undefined)) {
      if (writing === undefined) startWriting();
      await writing;
    }
    await syncing;
    if (failure !== undefined) throw failure;
  };

  const needOpen = (operation: string): void => {
    if (state !== "open") throw file.fail(operation, new Error(`the writer is already ${state}`));
  };

  /** Writes what is left, syncs, and closes the descriptor whatever happens. */
  const finish = async (operation: string): Promise<void> => {
    try {
      await drain();
      // The size is part of what fdatasync keeps; the times are not needed.
      await calls.fdatasync(file.fd);
    } catch (cause) {
      throw file.fail(operation, cause);
    } finally {
      await file.closeFile().catch(() => undefined);
    }
  };

  const end = (to: State, work: () => Promise<void>): Promise<void> => {
    state = to;
    ending = work();
    // The waiting caller gets the error; after an abort nothing waits for it.
    ending.catch(() => undefined);
    return ending;
  };

  return {
    get size() {
      return size;
    },
    get flushed() {
      return position;
    },
    write: async (chunk, options) => {
      needOpen("write");
      options?.signal?.throwIfAborted();
      checkFailure();
      if (chunk.length === 0) return;
      gathered.push(chunk);
      gatheredBytes += chunk.length;
      size += chunk.length;
      if (gatheredBytes < file.batchBytes()) return;
      if (writing !== undefined) await abortable(writing, options?.signal);
      checkFailure();
      if (state === "open") writeIfFull();
    },
    close: async (options) => {
      options?.signal?.throwIfAborted();
      if (state === "open") void end("closed", () => finish("close"));
      await abortable(ending ?? Promise.resolve(), options?.signal);
    },
    commit: async (options) => {
      needOpen("commit");
      options?.signal?.throwIfAborted();
      await abortable(
        end("committed", () => finish("commit")),
        options?.signal,
      );
    },
    cancel: async (options) => {
      options?.signal?.throwIfAborted();
      if (state !== "cancelled") {
        needOpen("cancel");
        void end("cancelled", async () => {
          gathered = [];
          gatheredBytes = 0;
          await writing;
          await syncing;
          await file.closeFile().catch(() => undefined);
          await file.remove();
        });
      }
      await abortable(ending ?? Promise.resolve(), options?.signal);
    },
  };
}
