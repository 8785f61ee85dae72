import { errorFields, type Log } from "../observability/log.js";
import type { EventSink } from "./contract.js";
import { formatEvent, type RegistryEvent } from "./events/event.js";
import type { Dropper } from "./outbox/inbox.js";
import { logLost } from "./service.js";

/** The way to the process that keeps the events. */
interface PrimaryLink {
  /** Sends a batch; false where the way is gone. The answer comes to {@link WorkerSink.answered}. */
  send(id: number, events: readonly RegistryEvent[], durable: boolean): boolean;
}

export interface WorkerSinkOptions {
  readonly link: PrimaryLink;
  /** Where events go that the primary doesn't take; undefined: nowhere. */
  readonly dropper: Dropper | undefined;
  readonly log: Log;
  /** How long the primary may take to answer (ms). */
  readonly limit?: number;
}

/** A push waits no longer than this for the primary, and then for the disk once more (ms). */
const LIMIT = 2000;
/** Pulls, which nobody waits for, gather this long (ms): each message costs both processes much more than one event does. */
const GATHER = 20;
/** Events under way to the primary; pulls beyond are dropped and counted, pushes aren't. */
const MOST_UNDER_WAY = 10_000;
/** How often the log says that pulls were dropped (ms). */
const SAY_AGAIN = 10_000;

interface Batch {
  readonly events: RegistryEvent[];
  durable: boolean;
  readonly settle: (() => void)[];
  timer?: NodeJS.Timeout;
}

/**
 * Hands a worker's events to the primary: pulls gather for a moment, anything else takes along what has gathered. Where the primary doesn't answer in
 * time, or is gone, they are left in its inbox, as files that the primary, or its successor, takes in.
 */
export class WorkerSink implements EventSink {
  readonly #options: WorkerSinkOptions;
  readonly #limit: number;
  readonly #underWay = new Map<number, Batch>();
  #gathering: Batch | undefined;
  #nextId = 0;
  #count = 0;
  #dropped = 0;
  #saidAt = 0;
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

  /** The primary's answer to a batch. */
  answered(id: number, isKept: boolean): void {
    const batch = this.#underWay.get(id);
    if (batch === undefined) return;
    this.#underWay.delete(id);
    clearTimeout(batch.timer);
    if (isKept) this.#done(batch);
    else this.#leave(batch, false);
  }

  /** The primary is gone: what is under way is left for its successor. */
  disconnected(): void {
    for (const [id] of [...this.#underWay]) this.answered(id, false);
  }

  /** Waits for what is under way, which has its time limits. */
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

  /** Hands a batch over, unless that has been done. */
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
      if (dropper === undefined) throw new Error("the primary doesn't answer");
      await inTime(dropper.drop(events.map(formatEvent)), this.#limit);
      log.warn(`notifications: the primary didn't take ${events.length} events; they were left in its inbox`);
    } catch (error) {
      const what = "notifications: the primary didn't take events, and they can't be left in its inbox";
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
    const now = Date.now();
    if (now - this.#saidAt < SAY_AGAIN) return;
    this.#saidAt = now;
    this.#options.log.error(`notifications: ${this.#dropped} pulls were dropped: the primary doesn't keep up`);
    this.#dropped = 0;
  }
}

async function inTime<T>(work: Promise<T>, limit: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the disk took longer than ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
