import { withTimeout } from "@longshore/base/timeout";
import { errorFields, type Log } from "../observability/log.js";
import type { EventSink } from "./contract.js";
import { formatEvent, type RegistryEvent } from "../event-formats/event.js";
import type { Dropper } from "./outbox/inbox.js";
import { logLost } from "./log-lost.js";

/** The channel to the process that stores the events. */
interface PrimaryLink {
  /** Sends a batch; false if the channel is closed. The reply arrives at {@link WorkerSink.answered}. */
  send(id: number, events: readonly RegistryEvent[], durable: boolean): boolean;
}

export interface WorkerSinkOptions {
  readonly link: PrimaryLink;
  /** Where to leave events that the primary doesn't accept; undefined if nowhere. */
  readonly dropper: Dropper | undefined;
  readonly log: Log;
  /** How long the primary may take to reply (ms). */
  readonly limit?: number;
}

/** A push waits no longer than this for the primary, and then for the disk once more (ms). */
const LIMIT = 2000;
/**
 * Pulls, which no request waits for, are collected for this long (ms): a message costs both processes much more than an
 * event.
 */
const GATHER = 20;
/** The most events in flight to the primary; beyond that, pulls are dropped and counted, but not pushes. */
const MOST_UNDER_WAY = 10_000;
/** How often the log reports dropped pulls (ms). */
const SAY_AGAIN = 10_000;

interface Batch {
  readonly events: RegistryEvent[];
  durable: boolean;
  readonly settle: (() => void)[];
  timer?: NodeJS.Timeout;
}

/**
 * Hands a worker's events to the primary. Pulls are collected for a moment; any other event is sent at once together with
 * them. If the primary doesn't reply in time, or has exited, events are left in its inbox as files that the primary or its
 * successor reads.
 */
export class WorkerSink implements EventSink {
  readonly #options: WorkerSinkOptions;
  readonly #limit: number;
  readonly #underWay = new Map<number, Batch>();
  #gathering: Batch | undefined;
  #nextId = 0;
  #count = 0;
  #dropped = 0;
  #saidAt = -Infinity;
  /** What is to be left next, in one file; `mayReturn`: it was never sent, but follows what had to be left. */
  #toLeave: { readonly batch: Batch; readonly mayReturn: boolean }[] = [];
  #leaving: Promise<void> | undefined;
  /** Whether earlier events had to be left, and aren't taken in yet. */
  #isLeaving = false;

  constructor(options: WorkerSinkOptions) {
    this.#options = options;
    this.#limit = options.limit ?? LIMIT;
  }

  record(events: readonly RegistryEvent[], durable: boolean): Promise<void> {
    if (!durable && this.#count >= MOST_UNDER_WAY) {
      this.#drop(events.length);
      return Promise.resolve();
    }
    this.#count += events.length;
    const batch = this.#gather();
    batch.events.push(...events);
    if (!durable) return Promise.resolve();
    if (!batch.durable) setImmediate(() => this.#flush(batch));
    batch.durable = true;
    return new Promise((resolve) => batch.settle.push(resolve));
  }

  /** The primary's reply to a batch. */
  answered(id: number, isKept: boolean): void {
    const batch = this.#underWay.get(id);
    if (batch === undefined) return;
    this.#underWay.delete(id);
    clearTimeout(batch.timer);
    if (isKept) this.#done(batch);
    else this.#leave(batch, false);
  }

  /** Call when the primary has exited: events in flight are left for its successor. */
  disconnected(): void {
    for (const [id] of [...this.#underWay]) this.answered(id, false);
  }

  /** Waits for events in flight, within their time limits. */
  async close(): Promise<void> {
    while (this.#count > 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      await this.#leaving;
    }
  }

  #gather(): Batch {
    if (this.#gathering === undefined) {
      const batch: Batch = { events: [], durable: false, settle: [] };
      this.#gathering = batch;
      setTimeout(() => this.#flush(batch), GATHER);
    }
    return this.#gathering;
  }

  /** Hands over a batch, unless that has been done. */
  #flush(batch: Batch): void {
    if (this.#gathering !== batch) return;
    this.#gathering = undefined;
    this.#hand(batch);
  }

  #hand(batch: Batch): void {
    if (this.#isLeaving) {
      this.#leave(batch, true);
      return;
    }
    this.#nextId += 1;
    const id = this.#nextId;
    this.#underWay.set(id, batch);
    batch.timer = setTimeout(() => this.answered(id, false), this.#limit);
    if (!this.#options.link.send(id, batch.events, batch.durable)) this.answered(id, false);
  }

  #leave(batch: Batch, mayReturn: boolean): void {
    this.#isLeaving = true;
    this.#toLeave.push({ batch, mayReturn });
    this.#leaving ??= this.#leaveAll();
  }

  async #leaveAll(): Promise<void> {
    while (this.#toLeave.length > 0) {
      const isTaken = await this.#isTaken();
      const taken = this.#toLeave.splice(0);
      if (isTaken && taken.every(({ mayReturn }) => mayReturn)) {
        this.#isLeaving = false;
        for (const { batch } of taken) this.#hand(batch);
      } else {
        await this.#leaveNow(taken.flatMap(({ batch }) => batch.events));
        for (const { batch } of taken) this.#done(batch);
      }
    }
    this.#leaving = undefined;
  }

  async #isTaken(): Promise<boolean> {
    return (await this.#options.dropper?.isTaken().catch(() => false)) ?? true;
  }

  async #leaveNow(events: readonly RegistryEvent[]): Promise<void> {
    const { dropper, log } = this.#options;
    try {
      if (dropper === undefined) throw new Error("the primary doesn't reply");
      await withTimeout(dropper.drop(events.map(formatEvent)), this.#limit, () => {
        throw new Error(`the disk took longer than ${this.#limit} ms`);
      });
      log.warn(`notifications: the primary didn't accept ${events.length} events; they were left in its inbox`);
    } catch (error) {
      const what = "notifications: the primary didn't accept events, and they can't be left in its inbox";
      log.error(what, errorFields(error));
      logLost(log, events);
    }
  }

  #done(batch: Batch): void {
    this.#count -= batch.events.length;
    for (const settle of batch.settle) settle();
  }

  #drop(count: number): void {
    this.#dropped += count;
    const now = performance.now();
    if (now - this.#saidAt < SAY_AGAIN) return;
    this.#saidAt = now;
    this.#options.log.error(
      `notifications: ${this.#dropped} pull events were dropped because the primary can't keep up`,
    );
    this.#dropped = 0;
  }
}
