import type { ContentStream } from "@longshore/storage";

/**
 * `first`, and when reading it fails, what `resume` gives for the offset that was reached. `start` is where `first` begins. What `resume`
 * throws is the reader's.
 */
export function createResumableStream(
  first: ContentStream,
  start: number,
  resume: (offset: number, error: unknown) => Promise<ContentStream>,
): ContentStream {
  let current = first;
  let chunks = first[Symbol.asyncIterator]();
  let offset = start;
  let isClosed = false;
  const close = async (): Promise<void> => {
    isClosed = true;
    await current.close();
  };
  const iterator: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      for (;;) {
        try {
          const next: IteratorResult<Uint8Array, unknown> = await chunks.next();
          if (next.done === true) return { done: true, value: undefined };
          offset += next.value.length;
          return { done: false, value: next.value };
        } catch (error) {
          await current.close();
          const stream = await resume(offset, error);
          current = stream;
          chunks = stream[Symbol.asyncIterator]();
          if (!isClosed) continue;
          await stream.close();
          return { done: true, value: undefined };
        }
      }
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  };
  return { size: first.size, close, [Symbol.asyncIterator]: () => iterator };
}
