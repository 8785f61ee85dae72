import type { Readable } from "node:stream";
import type { ContentStream } from "../../contract/driver.js";
import { isStorageError } from "../../errors.js";
import { streamOf } from "../shared/byte-stream.js";
import { wrongLength } from "./body.js";
import { isFault, ServiceFault } from "./faults.js";
import type { OpenPiece, RetryState } from "./service.js";

/** What part of an object is read, and how to resume after the connection breaks. */
export interface ReadPlan {
  readonly start: number;
  /** The first byte that is no longer read. */
  readonly stop: number;
  readonly signal: AbortSignal | undefined;
  /** How long the storage may be silent while the reader waits for bytes (ms). */
  readonly patience: number;
  /** Opens the rest of the same content. */
  readonly reopen: (start: number, signal: AbortSignal) => Promise<OpenPiece>;
  readonly retryLater: (state: RetryState, fault: ServiceFault, signal: AbortSignal) => Promise<void>;
  readonly toFault: (error: unknown) => ServiceFault;
  readonly fail: (error: unknown) => unknown;
}

/** Streams `piece`. If the connection breaks, stalls or ends too early, another one resumes where it stopped. */
export function readPiece(piece: OpenPiece, plan: ReadPlan): ContentStream {
  let body: Readable | undefined = piece.body;
  let chunks: AsyncIterator<unknown, unknown> | undefined;
  let position = plan.start;
  let retries: RetryState | undefined;
  let waiting = false;
  /** Fires whether or not the reader waits for bytes: resetting it for every chunk would cost more than checking. */
  let timer: NodeJS.Timeout | undefined;

  const ended = new AbortController();
  let isClosed = false;
  const closed = (): boolean => isClosed;
  const breakOff = (error: Error): void => {
    body?.destroy(error);
  };
  const onAbort = (): void => {
    ended.abort(plan.signal?.reason);
    breakOff(new Error("aborted"));
  };
  plan.signal?.addEventListener("abort", onAbort);

  const watch = (): void => {
    if (timer === undefined) {
      timer = setTimeout(() => {
        if (waiting) breakOff(new ServiceFault("transient", undefined, `read: no bytes for ${plan.patience} ms`));
      }, plan.patience);
      timer.unref();
    } else timer.refresh();
  };

  /** The next bytes of this connection; throws if it ends too early. */
  const take = async (): Promise<Uint8Array> => {
    if (body === undefined) {
      const again = await plan.reopen(position, ended.signal);
      if (again.size !== piece.size || (piece.version !== "" && again.version !== piece.version)) {
        again.body.destroy();
        throw new ServiceFault("precondition", undefined, "read: the object was replaced while it was read");
      }
      if (closed()) again.body.destroy();
      body = again.body;
    }
    chunks ??= body.iterator({ destroyOnReturn: true })[Symbol.asyncIterator]();
    watch();
    const next = await chunks.next();
    if (next.done !== true && next.value instanceof Uint8Array) return next.value;
    throw wrongLength("read", plan.stop - plan.start);
  };

  const drop = (): void => {
    body?.destroy();
    body = undefined;
    chunks = undefined;
  };

  const pauseBefore = async (state: RetryState, fault: ServiceFault): Promise<void> => {
    try {
      await plan.retryLater(state, fault, ended.signal);
    } catch (error) {
      plan.signal?.throwIfAborted();
      if (!closed()) throw error;
    }
  };

  /** Reads to the end of the response, so that the connection can be reused and a checksum of the whole is verified. */
  const finish = async (): Promise<undefined> => {
    waiting = true;
    try {
      await chunks?.next();
    } catch (error) {
      const fault = plan.toFault(error);
      if (!closed() && !isFault(fault, "transient")) throw plan.fail(fault);
    } finally {
      waiting = false;
    }
    return undefined;
  };

  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      plan.signal?.throwIfAborted();
      if (position >= plan.stop) return finish();
      waiting = true;
      try {
        const chunk = await take();
        // Progress resets the count: only failures in a row count.
        retries = undefined;
        const wanted = chunk.subarray(0, plan.stop - position);
        position += wanted.length;
        return wanted;
      } catch (error) {
        drop();
        if (closed()) return undefined;
        plan.signal?.throwIfAborted();
        // Reopening has its own retries; if they are used up, there are no more.
        if (isStorageError(error)) throw error;
        const fault = plan.toFault(error);
        if (!isFault(fault, "transient", "throttled")) throw plan.fail(error);
        retries ??= { failures: 0, since: performance.now() };
        await pauseBefore(retries, fault);
        if (closed()) return undefined;
      } finally {
        waiting = false;
      }
    }
  };

  const release = (): Promise<void> => {
    isClosed = true;
    ended.abort();
    clearTimeout(timer);
    plan.signal?.removeEventListener("abort", onAbort);
    drop();
    return Promise.resolve();
  };

  return streamOf(piece.size, { next, release });
}
