import { unavailable } from "./faults.js";

/** Who gathers bytes in a buffer. */
export interface BufferHolder {
  /**
   * How much of the room that the buffer had when it was taken is filled by now, from 0 to 1; undefined while its holder waits
   * for something else than its client.
   */
  progress(): number | undefined;
  /** Sends what is in the buffer on its way, to be given back soon. Tells whether it could. */
  letGo(): boolean;
}

/** How waiting for memory ends, in milliseconds. */
export interface BufferWaits {
  /** No wait is longer. */
  readonly limit: number;
  /** Only grows. */
  readonly now: () => number;
}

/** Memory for buffers, handed out first come, first served. */
export interface BufferBudget {
  /** A buffer of `bytes()`, which may get less while others wait. See `PartBuffers.take`. */
  take(bytes: () => number, signal: AbortSignal | undefined, holder: BufferHolder | undefined): Promise<Buffer>;
  /** Its holder has filled `buffer`: it is on its way to the storage. */
  send(buffer: Buffer): void;
  give(buffer: Buffer): void;
  /** Bytes handed out. */
  readonly used: number;
  readonly waiting: number;
}

/** Unused buffers that are kept: fresh memory has to be cleared by the system first. */
const SPARES = 4;
/** Who has waited so long is let in at the expense of the slow. */
const PATIENCE = 3000;
/** A buffer isn't taken away sooner: one chunk says nothing of a client's pace. */
const LEAST_HELD = 3000;
/** While others wait, a buffer is to be filled at a pace at which that takes so long at most. */
const FILL_TIME = 20_000;
/** Between two looks for who is slow, while somebody waits. */
const LOOK = 1000;
/** When whoever was refused may come again. */
const COME_AGAIN = 5000;

interface Waiter {
  readonly since: number;
  readonly bytes: () => number;
  readonly attempt: () => void;
}

interface Held {
  readonly since: number;
  readonly holder: BufferHolder;
}

type Outcome = Buffer | "aborted" | "late";

/**
 * A budget of `limit` bytes. While somebody has waited for `PATIENCE`, the slowest of those lets its buffer go who wouldn't
 * fill it within `FILL_TIME`, until there is enough for all that have waited so long. So, however clients behave, a buffer
 * comes back within that time and the time to send it, and nobody waits longer than the number ahead of it takes at that pace.
 */
export function createBufferBudget(limit: number, waits: BufferWaits): BufferBudget {
  const queue = new Set<Waiter>();
  const held = new Map<Buffer, Held>();
  let spares: Buffer[] = [];
  let used = 0;
  let looking: NodeJS.Timeout | undefined;

  const allocate = (bytes: number, holder: BufferHolder | undefined): Buffer => {
    used += bytes;
    const index = spares.findIndex((spare) => spare.length === bytes);
    const [spare] = index < 0 ? [] : spares.splice(index, 1);
    const buffer = spare ?? Buffer.allocUnsafeSlow(bytes);
    if (holder !== undefined) held.set(buffer, { since: waits.now(), holder });
    return buffer;
  };
  const wakeFirst = (): void => queue.values().next().value?.attempt();

  /** Those that may be told to let go, the slowest first. */
  const slowOnes = (): readonly BufferHolder[] => {
    const now = waits.now();
    const slow: { readonly pace: number; readonly holder: BufferHolder }[] = [];
    for (const { since, holder } of held.values()) {
      const time = now - since;
      const progress = time < LEAST_HELD ? undefined : holder.progress();
      if (progress !== undefined && progress * FILL_TIME < time) slow.push({ pace: progress / time, holder });
    }
    return slow.sort((one, other) => one.pace - other.pace).map(({ holder }) => holder);
  };

  /** Bytes that the patient lack even when all that is on its way to the storage has come back. */
  const lacking = (): number => {
    const since = waits.now() - PATIENCE;
    let bytes = -limit;
    for (const waiter of queue) if (waiter.since <= since) bytes += waiter.bytes();
    for (const buffer of held.keys()) bytes += buffer.length;
    return bytes;
  };

  const look = (): void => {
    looking = undefined;
    for (const holder of lacking() > 0 ? slowOnes() : []) {
      holder.letGo();
      if (lacking() <= 0) break;
    }
    if (queue.size > 0) looking = setTimeout(look, LOOK);
  };

  const wait = (bytes: () => number, signal: AbortSignal | undefined, holder: BufferHolder | undefined) =>
    new Promise<Outcome>((resolve) => {
      const leave = (outcome: Outcome): void => {
        queue.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
        clearTimeout(timer);
        if (queue.size === 0) {
          clearTimeout(looking);
          looking = undefined;
        }
        resolve(outcome);
        // The next may want less.
        wakeFirst();
      };
      const attempt = (): void => {
        const size = bytes();
        if (used + size <= limit) leave(allocate(size, holder));
      };
      const onAbort = (): void => leave("aborted");
      const timer = setTimeout(() => leave("late"), waits.limit);
      const waiter: Waiter = { since: waits.now(), bytes, attempt };
      queue.add(waiter);
      looking ??= setTimeout(look, PATIENCE);
      signal?.addEventListener("abort", onAbort);
    });

  return {
    async take(bytes, signal, holder) {
      signal?.throwIfAborted();
      const wanted = bytes();
      if (queue.size === 0 && used + wanted <= limit) return allocate(wanted, holder);
      const outcome = await wait(bytes, signal, holder);
      if (outcome === "aborted") signal?.throwIfAborted();
      if (typeof outcome === "string") {
        throw unavailable(COME_AGAIN, new Error(`no memory for an upload's bytes within ${waits.limit} ms`));
      }
      return outcome;
    },
    send(buffer) {
      held.delete(buffer);
    },
    give(buffer) {
      held.delete(buffer);
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

/** What a writer that had to let its buffer go says to another byte. */
export function tooSlow(): unknown {
  return unavailable(COME_AGAIN, new Error("the upload came too slowly while others waited for its memory"));
}
