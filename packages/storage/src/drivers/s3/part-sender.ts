import { createGate, type Gate } from "../gate.js";
import type { S3Context } from "./context.js";
import { beginMultipart, type MultipartUpload } from "./multipart.js";
import type { PartBuffers } from "./part-buffers.js";
import { planCopy } from "./parts.js";
import { runAll } from "./run-all.js";

/** Sends the parts of one file in the background, some at once. After a failure every call throws it. */
export interface PartSender {
  /** Whether a multipart upload has been begun. */
  readonly begun: boolean;
  /** Puts the `size` bytes that the object at the path has already in front. Before any part. */
  copyFront(size: number): Promise<void>;
  /** Resolves when it is time for `send`, which is called then. */
  ready(signal: AbortSignal | undefined): Promise<void>;
  /** Whether it is time for `send` now; where it is, that is called then. */
  tryReady(): boolean;
  /** Takes `buffer`, of which the first `length` bytes are the next part, and gives it back when it is sent. */
  send(buffer: Buffer, length: number): void;
  /** Waits for all parts and makes the object of them, of `size` bytes. */
  complete(size: number): Promise<void>;
  /** Stops what is under way, and removes the parts from the storage. */
  abort(): Promise<void>;
}

/** Parts of one file that are under way at once, while there are buffers for them. */
const AT_ONCE = 4;

/** A sender to `path`. `copyGate` bounds the parts that are copied at once by all. */
export function createPartSender(context: S3Context, buffers: PartBuffers, copyGate: Gate, path: string): PartSender {
  const stop = new AbortController();
  const signal = stop.signal;
  const gate = createGate(AT_ONCE);
  const sending = new Set<Promise<void>>();
  let upload: Promise<MultipartUpload> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let parts = 0;

  // Not ended by `abort`: the storage may have begun it already, and nobody could abort what has no id.
  const begin = (): Promise<MultipartUpload> => (upload ??= beginMultipart(context, path, {}));
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
      const plan = planCopy([size], context.options.copyChunkSize) ?? [];
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
