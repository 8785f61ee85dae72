import { unavailable } from "./faults.js";

/** The writer that gathers bytes in a buffer. */
export interface BufferHolder {
  /**
   * How much of the buffer's initial free space is filled by now, from 0 to 1; undefined while its holder waits for something
   * other than its client.
   */
  progress(): number | undefined;
  /** Sends the content of the buffer, so that it is returned soon. Returns whether that was possible. */
  letGo(): boolean;
}

/** How waiting for memory ends, in milliseconds. */
export interface BufferWaits {
  /** The name in errors. */
  readonly driver: string;
  /** The longest wait. */
  readonly limit: number;
  /** Monotonic. */
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
/** A caller that has waited this long gets a buffer at the expense of slow ones. */
const PATIENCE = 3000;
/** A buffer isn't taken away earlier: a single chunk says nothing about a client's speed. */
const LEAST_HELD = 3000;
/** While others wait, a buffer must be filled at a rate at which this takes at most this long. */
const FILL_TIME = 20_000;
/** How often slow holders are looked for while a caller waits. */
const LOOK = 1000;
/** When a refused caller may retry. */
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
 * A budget of `limit` bytes. If a caller has waited for `PATIENCE`, the slowest holders that wouldn't fill their buffers within
 * `FILL_TIME` must release them, until there is enough for all callers that have waited this long. So, however clients behave, a
 * buffer is returned within that time plus the time to send it, which bounds every wait by the number of callers ahead.
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

  /** The holders that may have to release their buffers, the slowest first. */
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

  /** The bytes that the longest waiting callers lack, even after everything that is being sent has been returned. */
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
        // The next one may need less.
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
        throw unavailable(
          waits.driver,
          COME_AGAIN,
          new Error(`no memory for an upload's bytes within ${waits.limit} ms`),
        );
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

/** The error of a writer that had to release its buffer and gets another byte. */
export function tooSlow(driver: string): unknown {
  return unavailable(driver, COME_AGAIN, new Error("the upload came too slowly while others waited for its memory"));
}
