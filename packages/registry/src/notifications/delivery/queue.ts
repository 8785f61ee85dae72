import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../observability/log.js";
import { errorFields } from "../../observability/log.js";
import { renderEvent, type EventFormat } from "../../event-formats/kinds.js";
import { parseEvent, type RegistryEvent } from "../../event-formats/event.js";
import { isWanted, kindOf, type EventFilter } from "../events/filter.js";
import type { Outbox, OutboxReader, OutboxRecord } from "../outbox/contract.js";
import type { DeadLetter, DeadLetters, DeadReason } from "../outbox/dead-letters.js";
import { pauseAfter, type RetryPolicy } from "./pause.js";
import { statusText, type Poster } from "./post.js";
import { signBody } from "./signature.js";
import type { EndpointCounts } from "./stats.js";

/** How events are delivered to an endpoint. */
export interface DeliveryOptions {
  readonly name: string;
  readonly filter: EventFilter;
  readonly format: EventFormat;
  readonly retry: RetryPolicy;
  /** The maximum age of an event (ms), and the maximum number of attempts; 0 disables the limit. */
  readonly maxAge: number;
  readonly maxAttempts: number;
  /** Undefined disables signatures. */
  readonly secret: string | undefined;
}

/** An endpoint's position in an outbox, kept across restarts. */
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
  /** Called when it has passed a record. */
  readonly onProgress: () => void;
}

/** Whether an endpoint should get the event. */
export function isFor({ filter, name }: DeliveryOptions, event: RegistryEvent): boolean {
  return (event.only === undefined || event.only === name) && isWanted(filter, kindOf(event));
}

/** The pause after a failure of the outbox or the dead-letter file (ms). */
const DISK_PAUSE = 1000;

/** One endpoint of one outbox: sends its events in order, one at a time, retrying each until it succeeds or is given up. */
export class EndpointQueue {
  readonly #options: DeliveryOptions;
  readonly #parts: QueueDependencies;
  readonly #reader: OutboxReader;
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;
  #wake: () => void = () => undefined;
  /** Records before this one have been given up. */
  #floor = 0;
  #failures = 0;
  #idle = false;
  /** The record that was read and not yet passed, so that a failing disk loses none. */
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

  /** Whether it has passed all records. */
  get isIdle(): boolean {
    return this.#idle;
  }

  /** Whether the endpoint should get the event. */
  wants(event: RegistryEvent): boolean {
    return isFor(this.#options, event);
  }

  /** Skips everything before `next`, which was given up. */
  skipTo(next: number): void {
    this.#floor = Math.max(this.#floor, next);
    if (this.#parts.progress.sequence < next) this.#parts.progress.set(next);
  }

  /** The dead letter of an event that was given up. */
  letter(event: RegistryEvent, reason: DeadReason, attempts = 0, error?: string): DeadLetter {
    const at = new Date().toISOString();
    return { endpoint: this.#options.name, reason, at, attempts, ...(error === undefined ? {} : { error }), event };
  }

  /** Aborts the current attempt; undelivered events stay in the outbox. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#run;
    await this.#reader.close();
  }

  async #deliverAll(): Promise<void> {
    while (!this.#isStopped()) {
      try {
        // Created first, so that records added while the reader looks aren't missed.
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
        this.#parts.log.error(`notifications: endpoint ${this.#options.name} is stalled`, errorFields(error));
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
      // Records given up in the meantime are counted there.
      if (record.sequence >= this.#floor) counts.pending = Math.max(counts.pending - 1, 0);
    }
    // Whether or not records were given up meanwhile, never move backwards.
    if (record.sequence >= progress.sequence) progress.set(record.sequence + 1);
    onProgress();
  }

  /** False if the endpoint didn't get it and won't from here. */
  async #deliver(sequence: number, event: RegistryEvent): Promise<boolean> {
    const { log } = this.#parts;
    const { name } = this.#options;
    const body = renderEvent(event, this.#options.format);
    for (let attempts = 1; ; attempts += 1) {
      const problem = await this.#attempt(body.text, body.headers);
      if (this.#stop.signal.aborted && problem !== undefined) return false;
      if (problem === undefined) {
        if (this.#failures > 0) log.info(`notifications: endpoint ${name} accepts events again`);
        this.#failures = 0;
        return true;
      }
      this.#failures += 1;
      if (this.#failures === 1 || this.#failures === this.#options.retry.threshold) {
        log.warn(`notifications: endpoint ${name} doesn't accept events`, { error: problem, failures: this.#failures });
      }
      // It has already been written to the dead letters.
      if (sequence < this.#floor) return false;
      const reason = this.#expired(event, attempts);
      if (reason !== undefined) {
        log.error(`notifications: gave up delivering event ${event.id} to endpoint ${name} (${reason})`, {
          error: problem,
        });
        await this.#parts.deadLetters.add([this.letter(event, reason, attempts, problem)]);
        this.#parts.counts.died(reason);
        return true;
      }
      await this.#pause(pauseAfter(this.#failures, this.#options.retry, Math.random));
      if (this.#stop.signal.aborted || sequence < this.#floor) return false;
    }
  }

  /** Why it failed; undefined if it succeeded. */
  async #attempt(body: string, headers: readonly string[]): Promise<string | undefined> {
    const { counts, poster } = this.#parts;
    const { secret } = this.#options;
    const signed = secret === undefined ? [] : ["Longshore-Signature", signBody(body, secret, Date.now())];
    const outcome = await poster.post(body, headers, this.#stop.signal, signed);
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
