import { createGate, type Gate } from "../shared/gate.js";
import type { CallOptions } from "../../contract/driver.js";
import type { PartBuffers } from "./part-buffers.js";
import { planCopy } from "./parts.js";
import { runAll } from "./run-all.js";

/** An object that is being made of parts. They are numbered from 1; a part with the same number replaces the previous one. */
export interface MultipartUpload {
  put(number: number, bytes: Uint8Array, call: CallOptions): Promise<void>;
  /** Copies the bytes `first` to `last` (inclusive) of the object at `from`. */
  copy(number: number, from: string, first: number, last: number, call: CallOptions): Promise<void>;
  /** Completes the object, which must have `size` bytes, from all parts. */
  complete(size: number, call: CallOptions): Promise<void>;
  abort(call: CallOptions): Promise<void>;
}

/** What a sender needs from the driver. */
export interface SenderNeeds {
  /** The object's path. */
  readonly path: string;
  readonly begin: (call: CallOptions) => Promise<MultipartUpload>;
  /** Bytes of a part that is copied. */
  readonly copyChunk: number;
  /** Bounds the number of parts that all senders copy concurrently. */
  readonly copyGate: Gate;
  readonly buffers: PartBuffers;
}

/** Sends the parts of one file in the background, several concurrently. After a failure every call throws it. */
export interface PartSender {
  /** Whether a multipart upload has been started. */
  readonly begun: boolean;
  /** Copies the `size` bytes of the existing object to the front. Must be called before any part is sent. */
  copyFront(size: number): Promise<void>;
  /** Resolves when there is room for another part; the caller must then call `send`. */
  ready(signal: AbortSignal | undefined): Promise<void>;
  /** Whether there is room for another part now; if so, the caller must call `send`. */
  tryReady(): boolean;
  /** Sends the first `length` bytes of `buffer` as the next part, and returns the buffer afterwards. */
  send(buffer: Buffer, length: number): void;
  /** Waits for all parts and completes the object, of `size` bytes. */
  complete(size: number): Promise<void>;
  /** Stops sending, and removes the parts from the storage. */
  abort(): Promise<void>;
}

/** How many parts of one file are sent concurrently, if there are buffers for them. */
const AT_ONCE = 4;

export function createPartSender({ path, begin: beginUpload, copyChunk, copyGate, buffers }: SenderNeeds): PartSender {
  const stop = new AbortController();
  const signal = stop.signal;
  const gate = createGate(AT_ONCE);
  const sending = new Set<Promise<void>>();
  let upload: Promise<MultipartUpload> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let parts = 0;

  // Not aborted by `abort`: the storage may already have started it, and without its id it couldn't be removed.
  const begin = (): Promise<MultipartUpload> => (upload ??= beginUpload({}));
  const checkFailure = (): void => {
    if (failure !== undefined) throw failure.error;
  };

  const sendPart = async (number: number, buffer: Buffer, length: number): Promise<void> => {
    try {
      checkFailure();
      await (await begin()).put(number, buffer.subarray(0, length), { signal });
    } catch (error) {
      failure ??= { error };
    } finally {
      buffers.give(buffer);
      gate.leave();
    }
  };

  return {
    get begun() {
      return upload !== undefined;
    },
    async copyFront(size) {
      const plan = planCopy([size], copyChunk) ?? [];
      const begunUpload = await begin();
      const copies = plan.map(
        ({ first, last }, index) =>
          (ending: AbortSignal) =>
            begunUpload.copy(index + 1, path, first, last, { signal: ending }),
      );
      parts = plan.length;
      await runAll(copies, copyGate, signal);
    },
    async ready(callSignal) {
      checkFailure();
      if (!gate.tryEnter()) await gate.enter(callSignal);
    },
    tryReady: () => failure === undefined && gate.tryEnter(),
    send(buffer, length) {
      parts += 1;
      const part = sendPart(parts, buffer, length);
      sending.add(part);
      void part.finally(() => sending.delete(part));
    },
    async complete(size) {
      await Promise.all(sending);
      checkFailure();
      await (await begin()).complete(size, { signal });
    },
    async abort() {
      stop.abort(new Error("the upload was given up"));
      await Promise.all(sending);
      const begunUpload = await upload?.catch(() => undefined);
      await begunUpload?.abort({});
    },
  };
}
