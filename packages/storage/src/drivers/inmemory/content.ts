import { KIB } from "@longshore/base/size";
/** Smaller chunks are gathered into blocks, so that many tiny writes don't cost memory and time for each chunk. */
const SMALL = 4 * KIB;
const BLOCK = 64 * KIB;

/** A file's bytes, growing at the end only: bytes below `size` never change. */
export interface Content {
  readonly size: number;
  /** Takes ownership of `chunk`. */
  append(chunk: Uint8Array): void;
  /** Bytes from `offset` on, at least one, at most up to `stop`; both within the content. */
  at(offset: number, stop: number): Uint8Array;
}

interface Block {
  readonly start: number;
  readonly bytes: Uint8Array;
  used: number;
}

/** No bytes yet. */
export function createContent(): Content {
  const blocks: Block[] = [];
  let size = 0;

  const blockAt = (offset: number): Block | undefined => {
    let low = 0;
    let high = blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((blocks[middle]?.start ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return blocks[low];
  };

  return {
    get size() {
      return size;
    },
    append(chunk) {
      if (chunk.length === 0) return;
      const last = blocks.at(-1);
      if (last !== undefined && last.bytes.length - last.used >= chunk.length) {
        last.bytes.set(chunk, last.used);
        last.used += chunk.length;
      } else if (chunk.length < SMALL) {
        const bytes = new Uint8Array(blocks.length === 0 ? SMALL : BLOCK);
        bytes.set(chunk);
        blocks.push({ start: size, bytes, used: chunk.length });
      } else {
        blocks.push({ start: size, bytes: chunk, used: chunk.length });
      }
      size += chunk.length;
    },
    at(offset, stop) {
      const block = blockAt(offset);
      if (block === undefined) return new Uint8Array(0);
      const from = offset - block.start;
      return block.bytes.subarray(from, Math.min(block.used, from + stop - offset));
    },
  };
}
