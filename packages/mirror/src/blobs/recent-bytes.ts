import { BLOCK, type BlockPool } from "./block-pool.js";

/** Bytes that a reader uses. They stay as they are until it releases them, once. */
export interface LentBytes {
  readonly bytes: Uint8Array;
  release(): void;
}

/** The last bytes of a download, shared by all who read it: a bounded part of memory for each download, however many read. */
export interface RecentBytes {
  /** The offset of the first byte that is still held. */
  readonly start: number;
  /** The offset behind the last byte. */
  readonly end: number;
  /** Copies `chunk`, which is the first of `left` bytes that are still to come. Returns where: in one block, or more. */
  push(chunk: Uint8Array, left: number): readonly Uint8Array[];
  /** What one block has from `offset` on, and not beyond `stop` (exclusive); undefined where that is gone, or hasn't come. */
  lend(offset: number, stop: number): LentBytes | undefined;
  /** Gives all blocks back to the pool, except those that a reader uses. Nothing is held any more. */
  clear(): void;
}

interface Block {
  readonly bytes: Uint8Array;
  /** The place of its first byte in the blob. */
  readonly offset: number;
  length: number;
  readers: number;
}

/**
 * Holds at most `limit` bytes, and at least the last block. A block is used again when the bytes before `flushed` include all of it. The chunks of a socket are copied into blocks that are used again: each chunk
 * is memory outside of the heap, and if they were kept, every 64 MiB of them would start a collection of the whole heap.
 */
export function createRecentBytes(limit: number, pool: BlockPool, flushed: () => number): RecentBytes {
  const blocks: Block[] = [];
  let start = 0;
  let end = 0;

  const dropOldest = (): void => {
    const oldest = blocks.shift();
    if (oldest === undefined) return;
    start += oldest.length;
    // What a slow reader still sends, or a slow disk still writes, is left to it.
    const isUsed = oldest.readers > 0 || start > flushed();
    if (!isUsed && oldest.bytes.length === BLOCK) pool.give(oldest.bytes);
  };

  /** The block that the next of `left` bytes belong to. */
  const openBlock = (left: number): Block => {
    const last = blocks.at(-1);
    if (last !== undefined && last.length < last.bytes.length) return last;
    while (blocks.length > 0 && end - start + BLOCK > limit) dropOldest();
    const bytes = left < BLOCK ? new Uint8Array(left) : pool.take();
    const block = { bytes, offset: end, length: 0, readers: 0 };
    blocks.push(block);
    return block;
  };

  return {
    get start() {
      return start;
    },
    get end() {
      return end;
    },
    push(chunk, left) {
      const copies: Uint8Array[] = [];
      for (let done = 0; done < chunk.length;) {
        const block = openBlock(left - done);
        const part = chunk.subarray(done, done + block.bytes.length - block.length);
        block.bytes.set(part, block.length);
        copies.push(block.bytes.subarray(block.length, block.length + part.length));
        block.length += part.length;
        end += part.length;
        done += part.length;
      }
      return copies;
    },
    lend(offset, stop) {
      if (offset < start || offset >= end) return undefined;
      // Nearly everybody reads what came last.
      const block = blocks.findLast((each) => each.offset <= offset);
      if (block === undefined) return undefined;
      block.readers += 1;
      let isLent = true;
      return {
        bytes: block.bytes.subarray(offset - block.offset, Math.min(block.length, stop - block.offset)),
        release() {
          if (isLent) block.readers -= 1;
          isLent = false;
        },
      };
    },
    clear() {
      while (blocks.length > 0) dropOldest();
    },
  };
}
