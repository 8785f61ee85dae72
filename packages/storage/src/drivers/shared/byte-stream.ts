import type { ByteRange, ContentStream } from "../../contract/driver.js";

/** The bytes `start` (inclusive) to `stop` (exclusive) of a file of `size` bytes that `range` asks for. */
export function boundsOf(range: ByteRange | undefined, size: number): { start: number; stop: number } {
  const start = range?.start ?? 0;
  const stop = range?.end === undefined ? size : Math.min(size, range.end + 1);
  return { start, stop: Math.max(start, stop) };
}

/** Where a stream's chunks come from. */
export interface ChunkSource {
  /** The next chunk, valid until the next call; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Releases everything; a pending `next` settles. Called once. */
  release(): Promise<void>;
}

/** A stream over `source`, for one consumer. It closes itself at the end, on an error, and when the consumer leaves its loop. */
export function streamOf(size: number, source: ChunkSource): ContentStream {
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= source.release());
  const iterator: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      if (closed !== undefined) return { done: true, value: undefined };
      try {
        const value = await source.next();
        if (value !== undefined) return { done: false, value };
      } catch (error) {
        await close();
        throw error;
      }
      await close();
      return { done: true, value: undefined };
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  };
  return { size, close, [Symbol.asyncIterator]: () => iterator };
}
