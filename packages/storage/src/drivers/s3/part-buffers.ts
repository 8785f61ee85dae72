import { createBufferBudget, type BufferBudget, type BufferHolder, type BufferWaits } from "./buffer-budget.js";
import { LEAST_PART } from "./parts.js";

/** Memory for the bytes of uploads, until they have been sent. */
export interface PartBuffers {
  /**
   * A buffer to gather a part in, when it is the caller's turn; first come, first served. One whose `signal` aborts leaves the
   * queue, with the signal's reason; who has waited too long gets STORAGE_UNAVAILABLE. While others wait, `holder` may be told
   * to let it go; without one, the buffer stays until it is given back.
   */
  take(signal: AbortSignal | undefined, holder?: BufferHolder): Promise<Buffer>;
  /** A small buffer for an upload that may be small altogether, likewise. */
  takeSmall(signal: AbortSignal | undefined, holder?: BufferHolder): Promise<Buffer>;
  /** A buffer for what doesn't fit `buffer` any more, which is less than a part's; likewise. */
  takeLarger(buffer: Buffer, signal: AbortSignal | undefined, holder?: BufferHolder): Promise<Buffer>;
  /** Nothing more comes into `buffer`: it is on its way, and given back when the storage has it. */
  send(buffer: Buffer): void;
  give(buffer: Buffer): void;
  /** Bytes handed out. */
  readonly used: number;
}

/** What an upload gathers before it is known to be more than a small one. */
const SMALL = 256 * 1024;
/** What it gathers before it gets a buffer of a part's size: who stalls with few bytes holds few. */
const MEDIUM = 1024 * 1024;
const STEP = 1024 * 1024;

/**
 * Buffers of at most `budget` bytes together, each of `chunkSize`, or less while many want one. An eighth is for small ones
 * and one for medium ones: who has one of those waits for a larger one, so that from one budget all could wait for each
 * other for ever. Who has a large one waits for none.
 */
export function createPartBuffers(budget: number, chunkSize: number, waits: BufferWaits): PartBuffers {
  const eighth = Math.floor(budget / 8);
  const small = createBufferBudget(Math.max(SMALL, eighth), waits);
  const medium = createBufferBudget(Math.max(MEDIUM, eighth), waits);
  const largeBytes = Math.max(LEAST_PART, budget - 2 * eighth);
  const large = createBufferBudget(largeBytes, waits);
  let holders = 0;

  const take = async (signal: AbortSignal | undefined, holder?: BufferHolder): Promise<Buffer> => {
    const bytes = (): number => {
      const share = Math.min(largeBytes, chunkSize, largeBytes / (holders + large.waiting + 1));
      // In whole steps, so that a buffer given back suits the next who wants one.
      return Math.max(LEAST_PART, share === chunkSize ? chunkSize : Math.floor(share / STEP) * STEP);
    };
    const buffer = await large.take(bytes, signal, holder);
    holders += 1;
    return buffer;
  };
  const budgetOf = ({ length }: Buffer): BufferBudget =>
    length === SMALL ? small : length === MEDIUM ? medium : large;

  return {
    take,
    takeSmall: (signal, holder) => small.take(() => SMALL, signal, holder),
    takeLarger: (buffer, signal, holder) =>
      buffer.length === SMALL ? medium.take(() => MEDIUM, signal, holder) : take(signal, holder),
    send: (buffer) => budgetOf(buffer).send(buffer),
    give(buffer) {
      const from = budgetOf(buffer);
      if (from === large) holders -= 1;
      from.give(buffer);
    },
    get used() {
      return small.used + medium.used + large.used;
    },
  };
}
