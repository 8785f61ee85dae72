import { setTimeout as delay } from "node:timers/promises";
import { backoff } from "@longshore/base/backoff";
import { SECOND } from "@longshore/base/duration";
import { KIB } from "@longshore/base/size";
import { createStallWatch } from "./stall-watch.js";
import type { UpstreamBlob, UpstreamObserver } from "./contract.js";
import { isUpstreamError, UpstreamError } from "./errors.js";

/** What one answer brings of a blob. */
export interface BlobPart {
  /** The place of its first byte: where it was asked for, or 0 of an upstream without ranges. */
  readonly start: number;
  /** Bytes of the whole blob, where the upstream tells. */
  readonly size: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  cancel(): void;
}

export interface ResumeOptions {
  readonly host: string;
  readonly offset: number;
  /** How long the upstream may take for {@link MIN_BYTES} (ms); the time that the reader takes isn't counted. */
  readonly idleTimeout: number;
  /** How often it is resumed with less than {@link MIN_BYTES} in between. */
  readonly retries: number;
  readonly signal: AbortSignal | undefined;
  resume(position: number): Promise<BlobPart>;
  /** Called each time that a connection breaks off or stalls. */
  readonly onBroken?: ((reason: string) => void) | undefined;
  readonly observer?: UpstreamObserver | undefined;
}

/** What has to come within the idle timeout, or before a connection breaks off, so that a byte now and then holds nobody for days. */
const MIN_BYTES = 16 * KIB;

const PAUSES = { first: 200, longest: 5 * SECOND };

/**
 * The bytes of a blob of `size` bytes as one stream, over as many connections as it takes. By hand: in a chain of generators, each chunk
 * costs a dozen promises.
 */
export function createResumedBlob(first: BlobPart, size: number, options: ResumeOptions): UpstreamBlob {
  const { host } = options;
  let position = options.offset;
  let current = readPart(first, position, options);
  let received = 0;
  let failures = 0;
  let isClosed = false;
  const close = (): void => {
    isClosed = true;
    current.close();
  };
  /** Another size is another blob: its bytes must not be joined to those that were read. */
  const reopen = async (): Promise<PartReader> => {
    const part = await options.resume(position);
    if (part.size === size || part.size === undefined) return readPart(part, position, options);
    part.cancel();
    throw invalid(host, "the blob's size changed while it was read");
  };
  const recover = async (error: unknown): Promise<void> => {
    current.close();
    if (isClosed || !isUpstreamError(error, "UNAVAILABLE")) throw error;
    if (error.fault.code === "UNAVAILABLE") options.onBroken?.(error.fault.reason);
    failures += 1;
    if (failures > options.retries) throw error;
    const pause = backoff(PAUSES, failures, 1, Math.random());
    options.observer?.retried?.(host, error.message, pause);
    await delay(pause, undefined, { signal: options.signal }).catch(() => options.signal?.throwIfAborted());
    current = await reopen();
    received = 0;
  };
  const read = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      try {
        const chunk = await current.next();
        if (chunk === undefined && position === size) return undefined;
        if (chunk === undefined) throw broken(host, `it sent ${position} of ${size} bytes`);
        position += chunk.byteLength;
        received += chunk.byteLength;
        if (received >= MIN_BYTES) failures = 0;
        if (position > size) throw invalid(host, `it sends more than ${size} bytes`);
        return chunk;
      } catch (error) {
        await recover(error);
      }
    }
  };
  const iterator: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      try {
        const value = isClosed ? undefined : await read();
        if (value !== undefined) return { done: false, value };
      } catch (error) {
        close();
        throw error;
      }
      close();
      return { done: true, value: undefined };
    },
    return() {
      close();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return {
    size,
    [Symbol.asyncIterator]: () => iterator,
    close() {
      close();
      return Promise.resolve();
    },
  };
}

interface PartReader {
  /** The next bytes; undefined: there are no more. Throws UpstreamError. */
  next(): Promise<Uint8Array | undefined>;
  close(): void;
}

/** The bytes of `part` from `position` on; what comes before is skipped. */
function readPart(part: BlobPart, position: number, { host, idleTimeout }: ResumeOptions): PartReader {
  const chunks = part.body[Symbol.asyncIterator]();
  const watch = createStallWatch(idleTimeout, () => {
    part.cancel();
    return broken(host, `less than ${MIN_BYTES} bytes came within ${idleTimeout / SECOND} s`);
  });
  let at = part.start;
  let since = 0;
  return {
    async next() {
      for (;;) {
        const next = await watch.during(chunks.next());
        if (next.done === true) return undefined;
        const chunk = next.value;
        since += chunk.byteLength;
        if (since >= MIN_BYTES) {
          watch.restart();
          since = 0;
        }
        const skipped = Math.min(Math.max(position - at, 0), chunk.byteLength);
        at += chunk.byteLength;
        if (skipped < chunk.byteLength) return skipped === 0 ? chunk : chunk.subarray(skipped);
      }
    },
    close() {
      watch.close();
      part.cancel();
    },
  };
}

function broken(host: string, reason: string): UpstreamError {
  return new UpstreamError(host, { code: "UNAVAILABLE", reason, retryAfter: 1 });
}

function invalid(host: string, reason: string): UpstreamError {
  return new UpstreamError(host, { code: "INVALID_ANSWER", reason });
}
