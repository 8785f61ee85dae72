import { KIB, MIB } from "@longshore/base/size";

/** Bytes of a block. */
export const BLOCK = 256 * KIB;

/** Bytes of unused blocks that a process keeps while it downloads. */
const KEPT = 16 * MIB;

/** Memory that the downloads of a process fill again and again. */
export interface BlockPool {
  /** A block with any content. */
  take(): Uint8Array;
  /** Takes a block back that nobody uses any more. */
  give(block: Uint8Array): void;
  /** Lets go of the unused blocks. */
  clear(): void;
}

export function createBlockPool(): BlockPool {
  let unused: Uint8Array[] = [];
  return {
    take: () => unused.pop() ?? new Uint8Array(BLOCK),
    give: (block) => {
      if (unused.length < KEPT / BLOCK) unused.push(block);
    },
    clear: () => {
      unused = [];
    },
  };
}
