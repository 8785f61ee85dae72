import { KIB } from "@longshore/base/size";
/** Buffers for reading, shared by all open files of a driver. */
export interface BufferPool {
  /** The buffer size in bytes that a stream should use now: the full one if there is room, less if many files are open. */
  sizeFor(wanted: number): number;
  take(size: number): Uint8Array<ArrayBuffer>;
  give(buffer: Uint8Array<ArrayBuffer>): void;
  /** Drops unused buffers. */
  clear(): void;
  /** Bytes of all buffers, used and unused. */
  readonly bytes: number;
}

/** The minimum size in bytes, however many streams there are. */
const SMALLEST = 32 * KIB;

/**
 * `bufferBytes` is the size of one buffer if there is room, `limit` the target for all together. Beyond the limit streams get the
 * smallest size instead of waiting: a slow client must not delay another.
 */
export function createBufferPool(bufferBytes: number, limit: number): BufferPool {
  const free = new Map<number, Uint8Array<ArrayBuffer>[]>();
  let inUse = 0;
  let waiting = 0;

  const dropWaiting = (wanted: number): void => {
    for (const [size, buffers] of free) {
      while (waiting > wanted && buffers.pop() !== undefined) waiting -= size;
      if (waiting <= wanted) return;
    }
  };

  return {
    get bytes() {
      return inUse + waiting;
    },
    sizeFor: (wanted) => {
      if (wanted <= SMALLEST) return Math.max(1, wanted);
      let size = bufferBytes;
      // A stream has two buffers. It gets at most a quarter of what is left, so that later streams find some, too.
      while (size > SMALLEST && size * 2 > (limit - inUse) / 4) size /= 2;
      size = Math.max(SMALLEST, Math.floor(size));
      return wanted <= size ? wanted : size;
    },
    take: (size) => {
      inUse += size;
      const buffer = free.get(size)?.pop();
      if (buffer !== undefined) {
        waiting -= size;
        return buffer;
      }
      dropWaiting(Math.max(0, limit - inUse));
      return new Uint8Array(size);
    },
    give: (buffer) => {
      inUse -= buffer.length;
      // Odd sizes (the size of a file) are unlikely to be needed again.
      const standard = buffer.length >= SMALLEST && Number.isInteger(Math.log2(bufferBytes / buffer.length));
      if (!standard || inUse + waiting + buffer.length > limit / 2) return;
      const buffers = free.get(buffer.length);
      if (buffers === undefined) free.set(buffer.length, [buffer]);
      else buffers.push(buffer);
      waiting += buffer.length;
    },
    clear: () => {
      free.clear();
      waiting = 0;
    },
  };
}
