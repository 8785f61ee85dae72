/** What a {@link Courier} hands over at once. */
interface Batch<T> {
  readonly items: readonly T[];
  /** Whether something before these was lost. */
  readonly hasGap: boolean;
}

/** How a {@link Courier} works. */
export interface CourierOptions<T> {
  /** Hands a batch to the other process; false if there is none any more. */
  readonly send: (batch: Batch<T>) => boolean;
  /** The most items that wait; further ones are lost. */
  readonly most: number;
  /** How long items are collected for (ms): a message costs both processes more than an item. */
  readonly gather: number;
}

/**
 * Hands items to another process, in batches, the next one once the last was taken: a process that doesn't keep up costs the other no more
 * than `most` items of memory, and learns that it has missed some.
 */
export class Courier<T> {
  readonly #options: CourierOptions<T>;
  #waiting: T[] = [];
  #hasGap = false;
  #isUnderWay = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CourierOptions<T>) {
    this.#options = options;
  }

  add(items: readonly T[]): void {
    const room = this.#options.most - this.#waiting.length;
    if (items.length > room) this.#hasGap = true;
    this.#waiting.push(...(items.length > room ? items.slice(0, Math.max(room, 0)) : items));
    this.#plan();
  }

  /** The other process is told with the next batch that it has missed something. */
  missed(): void {
    this.#hasGap = true;
    this.#plan();
  }

  /** Call when the other process has taken the last batch. */
  taken(): void {
    this.#isUnderWay = false;
    if (this.#waiting.length > 0 || this.#hasGap) this.#plan();
  }

  /** What waits is of no use any more. */
  clear(): void {
    this.#waiting = [];
    this.#hasGap = false;
  }

  /** Sends what waits without collecting more, unless a batch is under way. */
  flush(): void {
    if (this.#isClosed || this.#isUnderWay || (this.#waiting.length === 0 && !this.#hasGap)) return;
    clearTimeout(this.#timer);
    this.#send();
  }

  /** Sends nothing more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#isClosed = true;
    this.#waiting = [];
  }

  #plan(): void {
    if (this.#isClosed || this.#isUnderWay || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#send(), this.#options.gather).unref();
  }

  #send(): void {
    this.#timer = undefined;
    if (this.#waiting.length === 0 && !this.#hasGap) return;
    const batch = { items: this.#waiting, hasGap: this.#hasGap };
    this.#waiting = [];
    this.#hasGap = false;
    this.#isUnderWay = this.#options.send(batch);
  }
}
