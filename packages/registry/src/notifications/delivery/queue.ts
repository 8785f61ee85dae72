import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../observability/log.js";
import { errorFields } from "../../observability/log.js";
import { renderEvent, type EventFormat } from "../events/body.js";
import { parseEvent, type RegistryEvent } from "../events/event.js";
import { isWanted, kindOf, type EventFilter } from "../events/filter.js";
import type { Outbox, OutboxReader, OutboxRecord } from "../outbox/contract.js";
import type { DeadLetter, DeadLetters, DeadReason } from "../outbox/dead-letters.js";
import { pauseAfter, type RetryPolicy } from "./pause.js";
import { statusText, type Poster } from "./post.js";
import { signBody } from "./signature.js";
import type { EndpointCounts } from "./stats.js";

/** How an endpoint is sent its events. */
export interface DeliveryOptions {
  readonly name: string;
  readonly filter: EventFilter;
  readonly format: EventFormat;
  readonly retry: RetryPolicy;
  /** How old an event may get (ms), and how often it may be sent; 0: no limit. */
  readonly maxAge: number;
  readonly maxAttempts: number;
  /** Undefined: bodies aren't signed. */
  readonly secret: string | undefined;
}

/** Where an endpoint is in an outbox; kept across restarts. */
export interface Progress {
  readonly sequence: number;
  set(sequence: number): void;
}

export interface QueueDependencies {
  readonly outbox: Outbox;
  readonly progress: Progress;
  readonly poster: Poster;
  readonly deadLetters: DeadLetters;
  readonly counts: EndpointCounts;
  readonly log: Log;
  /** Told when it has passed a record. */
  readonly onProgress: () => void;
}

/** Whether an endpoint is to get the event. */
export function isFor({ filter, name }: DeliveryOptions, event: RegistryEvent): boolean {
  return (event.only === undefined || event.only === name) && isWanted(filter, kindOf(event));
}

/** After the outbox or the dead-letter file failed (ms). */
const DISK_PAUSE = 1000;

/** One endpoint of one outbox: sends what it wants in order, one at a time, each until it succeeds or is given up. */
export class EndpointQueue {
  readonly #options: DeliveryOptions;
  readonly #parts: QueueDependencies;
  readonly #reader: OutboxReader;
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;
  #wake: () => void = () => undefined;
  /** Records before this one were given up. */
  #floor = 0;
  #failures = 0;
  #idle = false;
  /** Read and not yet passed: a disk that fails costs none. */
  #held: OutboxRecord | undefined;

  constructor(options: DeliveryOptions, parts: QueueDependencies) {
    this.#options = options;
    this.#parts = parts;
    this.#reader = parts.outbox.reader(parts.progress.sequence);
    const unlisten = parts.outbox.onAppend(() => this.#wake());
    this.#run = this.#deliverAll().finally(unlisten);
  }

  get sequence(): number {
    return this.#parts.progress.sequence;
  }

  /** Whether it has passed everything that there is. */
  get isIdle(): boolean {
    return this.#idle;
  }

  /** Whether the endpoint is to get the event. */
  wants(event: RegistryEvent): boolean {
    return isFor(this.#options, event);
  }

  /** Leaves out what is before `next`: it was given up. */
  skipTo(next: number): void {
    this.#floor = Math.max(this.#floor, next);
    if (this.#parts.progress.sequence < next) this.#parts.progress.set(next);
  }

  /** The letter that says that the event was given up. */
  letter(event: RegistryEvent, reason: DeadReason, attempts = 0, error?: string): DeadLetter {
    const at = new Date().toISOString();
    return { endpoint: this.#options.name, reason, at, attempts, ...(error === undefined ? {} : { error }), event };
  }

  /** Ends the attempt under way; what isn't delivered stays in the outbox. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#run;
    await this.#reader.close();
  }

  async #deliverAll(): Promise<void> {
    while (!this.#isStopped()) {
      try {
        // Made first: what is added while the reader looks isn't missed.
        const added = new Promise<void>((resolve) => (this.#wake = resolve)).then(() => (this.#idle = false));
        this.#held ??= await this.#reader.next();
        if (this.#held !== undefined) {
          await this.#handle(this.#held);
          this.#held = undefined;
        } else if (!this.#isStopped()) {
          this.#idle = true;
          await added;
        }
      } catch (error) {
        if (this.#isStopped()) return;
        this.#parts.log.error(`notifications: endpoint ${this.#options.name} stands still`, errorFields(error));
        await this.#pause(DISK_PAUSE);
      }
    }
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #handle(record: OutboxRecord): Promise<void> {
    const { progress, counts, onProgress } = this.#parts;
    if (record.sequence < this.#floor) return;
    const event = parseEvent(record.payload.toString("utf8"));
    if (event !== undefined && this.wants(event)) {
      if (!(await this.#deliver(record.sequence, event))) return;
      // What was given up on the way is counted there.
      if (record.sequence >= this.#floor) counts.pending = Math.max(counts.pending - 1, 0);
    }
    // Given up meanwhile, or not: never back.
    if (record.sequence >= progress.sequence) progress.set(record.sequence + 1);
    onProgress();
  }

  /** False where the endpoint didn't get it, and won't from here. */
  async #deliver(sequence: number, event: RegistryEvent): Promise<boolean> {
    const { log } = this.#parts;
    const { name } = this.#options;
    const body = renderEvent(event, this.#options.format);
    for (let attempts = 1; ; attempts += 1) {
      const problem = await this.#attempt(body.text, body.headers);
      if (this.#stop.signal.aborted && problem !== undefined) return false;
      if (problem === undefined) {
        if (this.#failures > 0) log.info(`notifications: endpoint ${name} takes events again`);
        this.#failures = 0;
        return true;
      }
      this.#failures += 1;
      if (this.#failures === 1 || this.#failures === this.#options.retry.threshold) {
        log.warn(`notifications: endpoint ${name} doesn't take events`, { error: problem, failures: this.#failures });
      }
      // It was written to the dead letters already.
      if (sequence < this.#floor) return false;
      const reason = this.#expired(event, attempts);
      if (reason !== undefined) {
        log.error(`notifications: endpoint ${name} never got event ${event.id} (${reason})`, { error: problem });
        await this.#parts.deadLetters.add([this.letter(event, reason, attempts, problem)]);
        this.#parts.counts.died(reason);
        return true;
      }
      await this.#pause(pauseAfter(this.#failures, this.#options.retry, Math.random));
      if (this.#stop.signal.aborted || sequence < this.#floor) return false;
    }
  }

  /** Why it failed; undefined where it didn't. */
  async #attempt(body: string, headers: readonly string[]): Promise<string | undefined> {
    const { counts, poster } = this.#parts;
    const { secret } = this.#options;
    const signed = secret === undefined ? [] : ["Longshore-Signature", signBody(body, secret, Date.now())];
    const outcome = await poster.post(body, [...headers, ...signed], this.#stop.signal);
    if (outcome.kind === "none") {
      if (!this.#stop.signal.aborted) counts.errors += 1;
      return outcome.error;
    }
    const text = statusText(outcome.status);
    counts.status(text);
    if (outcome.status >= 200 && outcome.status < 400) {
      counts.successes += 1;
      return undefined;
    }
    counts.failures += 1;
    return text;
  }

  #expired(event: RegistryEvent, attempts: number): DeadReason | undefined {
    const { maxAge, maxAttempts } = this.#options;
    if (maxAttempts > 0 && attempts >= maxAttempts) return "max-attempts";
    return maxAge > 0 && Date.now() - Date.parse(event.timestamp) >= maxAge ? "max-age" : undefined;
  }

  async #pause(duration: number): Promise<void> {
    await delay(duration, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}
