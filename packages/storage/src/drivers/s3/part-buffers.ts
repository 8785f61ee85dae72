import { LEAST_PART } from "./parts.js";

/** Memory for the bytes of uploads, until they have been sent. */
export interface PartBuffers {
  /**
   * A buffer to gather a part in, when it is the caller's turn; first come, first served. One whose `signal` aborts leaves the
   * queue, with the signal's reason.
   */
  take(signal: AbortSignal | undefined): Promise<Buffer>;
  /** A small buffer for an upload that may be small altogether, likewise. */
  takeSmall(signal: AbortSignal | undefined): Promise<Buffer>;
  give(buffer: Buffer): void;
  /** Bytes handed out. */
  readonly used: number;
}

/** What an upload gathers before it is known to be more than a small one. */
const SMALL = 256 * 1024;
const STEP = 1024 * 1024;
/** Unused buffers that are kept: fresh memory has to be cleared by the system first. */
const SPARES = 4;

interface Budget {
  take(bytes: () => number, signal: AbortSignal | undefined): Promise<Buffer>;
  give(buffer: Buffer): void;
  readonly used: number;
  readonly waiting: number;
}

/**
 * Buffers of at most `budget` bytes together, each of `chunkSize`, or less while many want one. A quarter is for small ones:
 * who has a small one waits for a large one, so that both from one budget could wait for each other for ever.
 */
export function createPartBuffers(budget: number, chunkSize: number): PartBuffers {
  const small = createBudget(Math.max(SMALL, Math.floor(budget / 4)));
  const largeBytes = Math.max(LEAST_PART, budget - Math.floor(budget / 4));
  const large = createBudget(largeBytes);
  let holders = 0;

  return {
    async take(signal) {
      const buffer = await large.take(() => {
        const share = Math.min(largeBytes, chunkSize, largeBytes / (holders + large.waiting + 1));
        // In whole steps, so that a buffer given back suits the next who wants one.
        return Math.max(LEAST_PART, share === chunkSize ? chunkSize : Math.floor(share / STEP) * STEP);
      }, signal);
      holders += 1;
      return buffer;
    },
    takeSmall: (signal) => small.take(() => SMALL, signal),
    give(buffer) {
      if (buffer.length === SMALL) small.give(buffer);
      else {
        holders -= 1;
        large.give(buffer);
      }
    },
    get used() {
      return small.used + large.used;
    },
  };
}

function createBudget(limit: number): Budget {
  const queue = new Set<() => void>();
  let spares: Buffer[] = [];
  let used = 0;

  const allocate = (bytes: number): Buffer => {
    used += bytes;
    const index = spares.findIndex((spare) => spare.length === bytes);
    const [spare] = index < 0 ? [] : spares.splice(index, 1);
    return spare ?? Buffer.allocUnsafeSlow(bytes);
  };
  const wakeFirst = (): void => queue.values().next().value?.();

  return {
    take(bytes, signal) {
      signal?.throwIfAborted();
      const wanted = bytes();
      if (queue.size === 0 && used + wanted <= limit) return Promise.resolve(allocate(wanted));
      return new Promise<Buffer | undefined>((resolve) => {
        const leave = (taken: Buffer | undefined): void => {
          queue.delete(attempt);
          signal?.removeEventListener("abort", onAbort);
          resolve(taken);
          // The next may want less.
          wakeFirst();
        };
        const attempt = (): void => {
          const size = bytes();
          if (used + size <= limit) leave(allocate(size));
        };
        const onAbort = (): void => leave(undefined);
        queue.add(attempt);
        signal?.addEventListener("abort", onAbort);
      }).then((taken) => {
        if (taken !== undefined) return taken;
        signal?.throwIfAborted();
        throw new Error("left the queue");
      });
    },
    give(buffer) {
      used -= buffer.length;
      if (used === 0 && queue.size === 0) spares = [];
      else if (spares.length < SPARES) spares.push(buffer);
      wakeFirst();
    },
    get used() {
      return used;
    },
    get waiting() {
      return queue.size;
    },
  };
}
