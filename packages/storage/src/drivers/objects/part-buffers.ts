import { KIB, MIB } from "@longshore/base/size";
import { createBufferBudget, type BufferBudget, type BufferHolder, type BufferWaits } from "./buffer-budget.js";
import { LEAST_PART } from "./parts.js";

/** Memory for the bytes of uploads, until they have been sent. */
export interface PartBuffers {
  /**
   * A buffer for gathering a part; first come, first served. A caller whose `signal` aborts leaves the queue, with the signal's
   * reason; one that has waited too long gets STORAGE_UNAVAILABLE. While others wait, `holder` may have to release the buffer;
   * without a holder, it is kept until it is returned.
   */
  take(signal: AbortSignal | undefined, holder?: BufferHolder): Promise<Buffer>;
  /** Likewise, a small buffer for an upload that may turn out to be small. */
  takeSmall(signal: AbortSignal | undefined, holder?: BufferHolder): Promise<Buffer>;
  /** Likewise, a larger buffer for content that no longer fits into `buffer`, which is smaller than a part. */
  takeLarger(buffer: Buffer, signal: AbortSignal | undefined, holder?: BufferHolder): Promise<Buffer>;
  /** Reports that `buffer` is complete and being sent; it is returned when the storage has received it. */
  send(buffer: Buffer): void;
  give(buffer: Buffer): void;
  /** Bytes handed out. */
  readonly used: number;
}

/** The size of the first buffer of an upload, which may be small. */
const SMALL = 256 * KIB;
/** The size of the next one, before the upload gets a buffer of a part's size: a stalled upload with few bytes holds little. */
const MEDIUM = MIB;
const STEP = MIB;

/**
 * Buffers of at most `budget` bytes in total, each of `chunkSize`, or less if many are needed. One eighth of the budget is reserved
 * for small buffers and one for medium ones: their holders wait for larger buffers, so with a single budget all could wait for
 * each other forever. The holder of a large buffer waits for none.
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
      // In whole steps, so that a returned buffer fits the next caller.
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
