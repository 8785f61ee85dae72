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

/** The bytes of a blob of `size` bytes as one stream, over as many connections as it takes. */
export function createResumedBlob(first: BlobPart, size: number, options: ResumeOptions): UpstreamBlob {
  let current = first;
  let isClosed = false;
  const close = (): void => {
    isClosed = true;
    current.cancel();
  };
  const read = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    let position = options.offset;
    let failures = 0;
    for (;;) {
      const began = position;
      try {
        for await (const chunk of readPart(current, position, options)) {
          position += chunk.byteLength;
          if (position - began >= MIN_BYTES) failures = 0;
          if (position > size) throw invalid(options.host, `it sends more than ${size} bytes`);
          yield chunk;
        }
        if (position === size) return;
        throw broken(options.host, `it sent ${position} of ${size} bytes`);
      } catch (error) {
        current.cancel();
        if (isClosed || !isUpstreamError(error, "UNAVAILABLE")) throw error;
        if (error.fault.code === "UNAVAILABLE") options.onBroken?.(error.fault.reason);
        failures += 1;
        if (failures > options.retries) throw error;
        const pause = backoff(PAUSES, failures, 1, Math.random());
        options.observer?.retried?.(options.host, error.message, pause);
        await delay(pause, undefined, { signal: options.signal }).catch(() => options.signal?.throwIfAborted());
        current = await reopen(position);
      }
    }
  };
  /** Another size is another blob: its bytes must not be joined to those that were read. */
  const reopen = async (position: number): Promise<BlobPart> => {
    const part = await options.resume(position);
    if (part.size === size || part.size === undefined) return part;
    part.cancel();
    throw invalid(options.host, "the blob's size changed while it was read");
  };
  return {
    size,
    async *[Symbol.asyncIterator]() {
      try {
        yield* read();
      } finally {
        close();
      }
    },
    close() {
      close();
      return Promise.resolve();
    },
  };
}

/** The bytes of `part` from `position` on; what comes before is skipped. */
async function* readPart(
  part: BlobPart,
  position: number,
  { host, idleTimeout }: ResumeOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = part.body[Symbol.asyncIterator]();
  const watch = createStallWatch(idleTimeout, () => {
    part.cancel();
    return broken(host, `less than ${MIN_BYTES} bytes came within ${idleTimeout / SECOND} s`);
  });
  let at = part.start;
  let since = 0;
  try {
    for (;;) {
      const next = await watch.during(iterator.next());
      if (next.done === true) return;
      since += next.value.byteLength;
      if (since >= MIN_BYTES) {
        watch.restart();
        since = 0;
      }
      const skipped = Math.min(Math.max(position - at, 0), next.value.byteLength);
      at += next.value.byteLength;
      if (skipped < next.value.byteLength) yield next.value.subarray(skipped);
    }
  } finally {
    watch.close();
  }
}

function broken(host: string, reason: string): UpstreamError {
  return new UpstreamError(host, { code: "UNAVAILABLE", reason, retryAfter: 1 });
}

function invalid(host: string, reason: string): UpstreamError {
  return new UpstreamError(host, { code: "INVALID_ANSWER", reason });
}
