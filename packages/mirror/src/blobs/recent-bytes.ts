/** The last bytes of a download, shared by all who read it: a bounded part of memory for each download, however many read. */
export interface RecentBytes {
  /** The offset of the first byte that is still held. */
  readonly start: number;
  /** The offset behind the last byte. */
  readonly end: number;
  push(chunk: Uint8Array): void;
  /** What is held from `offset` on, up to the end of its chunk; undefined where that is gone, or hasn't come. Only to be read. */
  at(offset: number): Uint8Array | undefined;
  /** Lets go of everything. */
  clear(): void;
}

/** Holds at most `limit` bytes, and at least the last chunk. */
export function createRecentBytes(limit: number): RecentBytes {
  let chunks: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  let start = 0;
  let end = 0;
  return {
    get start() {
      return start;
    },
    get end() {
      return end;
    },
    push(bytes) {
      chunks.push({ offset: end, bytes });
      end += bytes.length;
      while (end - start > limit && chunks.length > 1) {
        const [oldest] = chunks.splice(0, 1);
        start += oldest?.bytes.length ?? 0;
      }
    },
    at(offset) {
      if (offset < start || offset >= end) return undefined;
      // Nearly everybody reads what came last.
      const chunk = chunks.findLast((each) => each.offset <= offset);
      return chunk?.bytes.subarray(offset - chunk.offset);
    },
    clear() {
      chunks = [];
      start = end;
    },
  };
}
