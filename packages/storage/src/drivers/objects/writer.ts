import type { FileWriter } from "../../contract/driver.js";
import { abortable } from "@longshore/base/abort";
import { isStorageError } from "../../errors.js";
import { tooSlow, type BufferHolder } from "./buffer-budget.js";
import type { PartBuffers } from "./part-buffers.js";
import type { PartSender } from "./part-sender.js";
import { LEAST_PART } from "./parts.js";

/** The file that is written, and what its writer needs from the driver. */
export interface WritableObject {
  /** The driver's name, for errors. */
  readonly driver: string;
  /** The size of the object that is appended to; undefined for a new one. */
  readonly base: number | undefined;
  /** The most bytes that the file may have. */
  readonly largest: number;
  readonly buffers: PartBuffers;
  readonly sender: PartSender;
  /** All of the object that is appended to. */
  readonly readBase: () => Promise<Uint8Array>;
  readonly putWhole: (bytes: Uint8Array) => Promise<void>;
  readonly fail: (operation: string, cause: unknown) => unknown;
}

type State = "open" | "closed" | "committed" | "cancelled";

/**
 * Gathers chunks into parts. A file that fits into one buffer is written with one call; for a larger one, parts are sent
 * while the next is gathered. Objects can't grow: to append, the storage copies the existing object to the front, or it is read
 * back if it is too small for a part. Until `commit` the path keeps its previous content; without a commit the parts are
 * removed. If the client is too slow while others wait for memory (`createBufferBudget`), the writer sends what it has. If that is
 * too little for a part in the middle, it accepts no more bytes (STORAGE_UNAVAILABLE); `commit` keeps those that came before.
 */
export function createObjectWriter(file: WritableObject): FileWriter {
  const { buffers, sender } = file;
  let state: State = "open";
  let size = file.base ?? 0;
  let buffer: Buffer | undefined;
  let filled = 0;
  /** How many bytes the buffer contained when it was taken. */
  let brought = 0;
  let gathering = false;
  let endedAsSlow = false;
  let changed = file.base === undefined;
  let broken: { readonly error: unknown } | undefined;
  let ending: Promise<void> | undefined;

  const giveBack = (): void => {
    if (buffer !== undefined) buffers.give(buffer);
    buffer = undefined;
    filled = 0;
  };

  const sendBuffer = (full: Buffer): void => {
    buffers.send(full);
    sender.send(full, filled);
    buffer = undefined;
    filled = 0;
  };

  const holder: BufferHolder = {
    progress: () => {
      if (buffer === undefined || gathering || state !== "open" || broken !== undefined) return undefined;
      return (filled - brought) / (buffer.length - brought);
    },
    letGo: () => {
      if (buffer === undefined || !sender.tryReady()) return false;
      endedAsSlow = filled < LEAST_PART;
      sendBuffer(buffer);
      return true;
    },
  };

  /** Ensures room in the buffer: first a small one, then one of a part's size, which is sent when another byte arrives. */
  const makeRoom = async (signal: AbortSignal | undefined): Promise<Buffer> => {
    if (buffer !== undefined && filled < buffer.length) return buffer;
    if (buffer === undefined) {
      buffer = sender.begun ? await buffers.take(signal, holder) : await buffers.takeSmall(signal, holder);
    } else if (buffer.length < LEAST_PART) {
      const larger = await buffers.takeLarger(buffer, signal, holder);
      buffer.copy(larger, 0, 0, filled);
      buffers.give(buffer);
      buffer = larger;
    } else {
      await sender.ready(signal);
      sendBuffer(buffer);
      buffer = await buffers.take(signal, holder);
    }
    brought = filled;
    return buffer;
  };

  const gather = async (chunk: Uint8Array, signal: AbortSignal | undefined, count: (bytes: number) => void) => {
    for (let offset = 0; offset < chunk.length;) {
      const room = await makeRoom(signal);
      const piece = chunk.subarray(offset, offset + room.length - filled);
      room.set(piece, filled);
      filled += piece.length;
      offset += piece.length;
      count(piece.length);
    }
  };

  /** Before the first byte that is appended. */
  const begin = async (signal: AbortSignal | undefined): Promise<void> => {
    if (changed) return;
    if (file.base !== undefined && file.base > 0) {
      if (file.base < LEAST_PART) await gather(await file.readBase(), signal, () => undefined);
      else await sender.copyFront(file.base);
    }
    changed = true;
  };

  const add = async (chunk: Uint8Array, signal: AbortSignal | undefined): Promise<void> => {
    if (broken !== undefined) throw broken.error;
    if (endedAsSlow) throw tooSlow(file.driver);
    if (size + chunk.length > file.largest) {
      throw new Error(`a file can't be written larger than ${file.largest} bytes`);
    }
    gathering = true;
    try {
      await begin(signal);
      await gather(chunk, signal, (bytes) => {
        size += bytes;
      });
    } catch (error) {
      // A part that is missing in the middle can't be repaired. An aborted wait leaves an intact beginning.
      if (signal?.aborted !== true || !changed) broken = { error };
      throw error;
    } finally {
      gathering = false;
    }
  };

  const store = async (): Promise<void> => {
    if (broken !== undefined) throw broken.error;
    if (!changed) return;
    if (buffer !== undefined) buffers.send(buffer);
    if (!sender.begun) return file.putWhole(buffer?.subarray(0, filled) ?? new Uint8Array(0));
    if (buffer !== undefined && filled > 0) {
      await sender.ready(undefined);
      sendBuffer(buffer);
    }
    await sender.complete(size);
  };

  const commit = async (): Promise<void> => {
    try {
      await store();
    } catch (error) {
      const aborting = sender.abort().catch(() => undefined);
      // If the storage is down, the caller gets the error at once; `abortUnfinished` finds what is left.
      if (!isStorageError(error, "STORAGE_UNAVAILABLE")) await aborting;
      throw file.fail("commit", error);
    } finally {
      giveBack();
    }
  };

  const giveUp = async (operation: string): Promise<void> => {
    try {
      await sender.abort();
    } catch (error) {
      throw file.fail(operation, error);
    } finally {
      giveBack();
    }
  };

  const needOpen = (operation: string): void => {
    if (state !== "open") throw file.fail(operation, new Error(`the writer is already ${state}`));
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
    write: async (chunk, options) => {
      needOpen("write");
      options?.signal?.throwIfAborted();
      if (chunk.length === 0) return;
      try {
        await add(chunk, options?.signal);
      } catch (error) {
        options?.signal?.throwIfAborted();
        throw file.fail("write", error);
      }
    },
    close: async (options) => {
      options?.signal?.throwIfAborted();
      if (state === "open") void end("closed", () => giveUp("close"));
      // The outcome of a commit or a cancel has already been reported to its caller.
      const told = state === "closed" ? ending : ending?.catch(() => undefined);
      await abortable(told ?? Promise.resolve(), options?.signal);
    },
    commit: async (options) => {
      needOpen("commit");
      options?.signal?.throwIfAborted();
      await abortable(end("committed", commit), options?.signal);
    },
    cancel: async (options) => {
      options?.signal?.throwIfAborted();
      if (state !== "cancelled") {
        needOpen("cancel");
        void end("cancelled", () => giveUp("cancel"));
      }
      await abortable(ending ?? Promise.resolve(), options?.signal);
    },
  };
}
