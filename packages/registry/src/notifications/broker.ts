import { createHash } from "node:crypto";
import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errorFields, type Log } from "../observability/log.js";
import { EndpointQueue, isFor, type DeliveryOptions, type Progress } from "./delivery/queue.js";
import type { Poster } from "./delivery/post.js";
import type { EndpointCounts } from "./delivery/stats.js";
import { formatEvent, parseEvent, type RegistryEvent } from "./events/event.js";
import type { Evict, Outbox, OutboxRecord } from "./outbox/contract.js";
import { Cursor } from "./outbox/cursor.js";
import { noDeadLetters, openDeadLetters, type DeadLetter, type DeadLetters } from "./outbox/dead-letters.js";
import { openFileOutbox } from "./outbox/file-outbox.js";
import { collectInbox } from "./outbox/inbox.js";
import { openMemoryOutbox } from "./outbox/memory-outbox.js";

/** An endpoint with what sends to it, shared by all brokers. */
export interface BrokerEndpoint {
  /** Tells it from the others, also after a restart. */
  readonly id: string;
  readonly delivery: DeliveryOptions;
  readonly poster: Poster;
  readonly counts: EndpointCounts;
}

export interface BrokerLimits {
  readonly maxBytes: number;
  readonly deadLetterBytes: number;
}

/** One outbox with its endpoints. */
export interface Broker {
  readonly bytes: number;
  /** Keeps events; with `durable` until every endpoint has them, whatever happens. Rejects where they can't be stored. */
  keep(events: readonly RegistryEvent[], durable: boolean): Promise<void>;
  /** Takes in what others have left for it. */
  collect(): Promise<void>;
  /** Whether every endpoint has everything. */
  isIdle(): boolean;
  /** Ends the attempts under way, and keeps the rest where it keeps things. */
  close(): Promise<void>;
}

const CURSOR = /^cursor\.[0-9a-f]{16}$/;

/** The broker of a directory that is this process's alone. What a crash left is mended and sent. */
export async function openFileBroker(
  directory: string,
  endpoints: readonly BrokerEndpoint[],
  limits: BrokerLimits,
  log: Log,
): Promise<Broker> {
  const deadLetters = openDeadLetters(directory, limits.deadLetterBytes);
  const names = new Set(endpoints.map(cursorName));
  await forgetOthers(directory, names, log);
  const cursors = new Map<BrokerEndpoint, Cursor>();
  const fresh: Cursor[] = [];
  for (const endpoint of endpoints) {
    const { cursor, isNew } = await Cursor.open(join(directory, cursorName(endpoint)));
    cursors.set(endpoint, cursor);
    if (isNew) fresh.push(cursor);
  }
  const state: { queues: EndpointQueue[] } = { queues: [] };
  const outbox = await openFileOutbox({
    directory,
    maxBytes: limits.maxBytes,
    atLeast: Math.max(1, ...[...cursors.values()].map(({ sequence }) => sequence)),
    evict: createEvict(() => state.queues, endpoints, deadLetters, log),
    onRepair(what, segment) {
      if (what === "damaged") log.error(`notifications: bytes in ${segment} can't be read; the events there are lost`);
      else log.warn(`notifications: an unfinished write at the end of ${segment} was cut off; nobody relied on it`);
    },
  });
  // A new endpoint is told of what happens from now on.
  for (const cursor of fresh) cursor.set(outbox.next);
  for (const cursor of fresh) await cursor.sync();
  const progressOf = (endpoint: BrokerEndpoint): Progress => cursors.get(endpoint) ?? startingAt(outbox.next);
  await countBacklog(outbox, endpoints, progressOf);
  const broker = new OutboxBroker(outbox, endpoints, progressOf, deadLetters, log, state);
  const collect = oneAtATime(async () => {
    const { files, rejected } = await collectInbox(directory, (events) => broker.keep(events, true));
    if (files > 0) log.info(`notifications: took in ${files} files of events that were left in the inbox`);
    if (rejected > 0)
      log.error(`notifications: ${rejected} lines in the inbox are no events; their files were set aside`);
  });
  await collect();
  return {
    get bytes() {
      return outbox.bytes;
    },
    async keep(events, durable) {
      // What was left in the inbox was acknowledged before these events, and comes first.
      if (durable) await collect().catch((error: unknown) => log.error("notifications: the inbox", errorFields(error)));
      await broker.keep(events, durable);
    },
    collect,
    isIdle: () => broker.isIdle(),
    async close() {
      await broker.close();
      for (const cursor of cursors.values()) {
        await cursor
          .sync()
          .catch((error: unknown) => log.warn("notifications: a cursor wasn't written", errorFields(error)));
        await cursor.close();
      }
      await outbox.trim(Math.min(...[...cursors.values()].map(({ sequence }) => sequence)));
      await outbox.close();
      await deadLetters.close();
    },
  };
}

/** A broker that keeps nothing beyond this process. */
export function openMemoryBroker(endpoints: readonly BrokerEndpoint[], limits: BrokerLimits, log: Log): Broker {
  const state: { queues: EndpointQueue[] } = { queues: [] };
  const outbox = openMemoryOutbox({
    maxBytes: limits.maxBytes,
    evict: createEvict(() => state.queues, endpoints, noDeadLetters, log),
  });
  const broker = new OutboxBroker(outbox, endpoints, () => startingAt(outbox.next), noDeadLetters, log, state);
  return {
    get bytes() {
      return outbox.bytes;
    },
    keep: (events, durable) => broker.keep(events, durable),
    collect: () => Promise.resolve(),
    isIdle: () => broker.isIdle(),
    async close() {
      const isDone = broker.isIdle();
      await broker.close();
      if (!isDone)
        log.warn("notifications: events that weren't sent end with this process, since they were in memory alone");
      await outbox.close();
    },
  };
}

class OutboxBroker {
  readonly #outbox: Outbox;
  readonly #queues: readonly EndpointQueue[];
  readonly #endpoints: readonly BrokerEndpoint[];

  constructor(
    outbox: Outbox,
    endpoints: readonly BrokerEndpoint[],
    progressOf: (endpoint: BrokerEndpoint) => Progress,
    deadLetters: DeadLetters,
    log: Log,
    state: { queues: EndpointQueue[] },
  ) {
    this.#outbox = outbox;
    this.#endpoints = endpoints;
    let trimming: Promise<void> | undefined;
    const onProgress = (): void => {
      const least = Math.min(...state.queues.map(({ sequence }) => sequence));
      // A file that can't be removed is tried again with the next record.
      trimming ??= outbox.trim(least).then(
        () => (trimming = undefined),
        () => (trimming = undefined),
      );
    };
    state.queues = endpoints.map((endpoint) => {
      const { delivery, poster, counts } = endpoint;
      const progress = progressOf(endpoint);
      return new EndpointQueue(delivery, { outbox, progress, poster, deadLetters, counts, log, onProgress });
    });
    this.#queues = state.queues;
  }

  async keep(events: readonly RegistryEvent[], durable: boolean): Promise<void> {
    const payloads = events.map((event) => Buffer.from(formatEvent(event)));
    this.#count(events, 1);
    try {
      await this.#outbox.append(payloads, durable);
    } catch (error) {
      this.#count(events, -1);
      throw error;
    }
  }

  isIdle(): boolean {
    return this.#queues.every((queue) => queue.isIdle);
  }

  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }

  #count(events: readonly RegistryEvent[], sign: 1 | -1): void {
    this.#queues.forEach((queue, index) => {
      const counts = this.#endpoints[index]?.counts;
      if (counts === undefined) return;
      const wanted = events.filter((event) => queue.wants(event)).length * sign;
      counts.events += wanted;
      counts.pending += wanted;
    });
  }
}

/** Writes what a full outbox gives up to the dead letters, for each endpoint that hasn't had it. */
function createEvict(
  queues: () => readonly EndpointQueue[],
  endpoints: readonly BrokerEndpoint[],
  deadLetters: DeadLetters,
  log: Log,
): Evict {
  return async (records, next) => {
    const letters: DeadLetter[] = [];
    for (const record of records) letters.push(...lettersOf(record, queues(), endpoints));
    for (const queue of queues()) queue.skipTo(next);
    if (letters.length === 0) return;
    const names = [...new Set(letters.map(({ endpoint }) => endpoint))].join(", ");
    log.error(
      `notifications: the outbox is full; ${letters.length} of the oldest deliveries are given up (${names}); ` +
        "see the dead letters, and what keeps these endpoints from taking events",
    );
    await deadLetters
      .add(letters)
      .catch((error: unknown) => log.error("notifications: the dead letters can't be written", errorFields(error)));
  };
}

function lettersOf(
  { sequence, payload }: OutboxRecord,
  queues: readonly EndpointQueue[],
  endpoints: readonly BrokerEndpoint[],
): DeadLetter[] {
  const event = parseEvent(payload.toString("utf8"));
  if (event === undefined) return [];
  return queues.flatMap((queue, index) => {
    const counts = endpoints[index]?.counts;
    if (counts === undefined || sequence < queue.sequence || !queue.wants(event)) return [];
    counts.pending = Math.max(counts.pending - 1, 0);
    counts.died("outbox-full");
    return [queue.letter(event, "outbox-full")];
  });
}

/** What is still to be sent after a restart counts as pending. */
async function countBacklog(
  outbox: Outbox,
  endpoints: readonly BrokerEndpoint[],
  progressOf: (endpoint: BrokerEndpoint) => Progress,
): Promise<void> {
  const starts = endpoints.map((endpoint) => ({ ...endpoint, start: progressOf(endpoint).sequence }));
  const reader = outbox.reader(Math.min(...starts.map(({ start }) => start)));
  for (let record = await reader.next(); record !== undefined; record = await reader.next()) {
    const event = parseEvent(record.payload.toString("utf8"));
    if (event === undefined) continue;
    for (const { start, delivery, counts } of starts) {
      if (record.sequence >= start && isFor(delivery, event)) counts.pending += 1;
    }
  }
  await reader.close();
}

/** Endpoints that the configuration doesn't have any more get nothing more, whatever waited for them. */
async function forgetOthers(directory: string, names: ReadonlySet<string>, log: Log): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!CURSOR.test(name) || names.has(name)) continue;
    log.info("notifications: an endpoint is gone from the configuration; what waited for it is dropped");
    await unlink(join(directory, name));
  }
}

function cursorName({ id }: BrokerEndpoint): string {
  return `cursor.${createHash("sha256").update(id).digest("hex").slice(0, 16)}`;
}

function startingAt(first: number): Progress {
  let sequence = first;
  return {
    get sequence() {
      return sequence;
    },
    set: (next) => void (sequence = next),
  };
}

/** Runs `work` again for each call, never twice at once; calls that wait for their turn share it. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  return () => {
    if (waiting !== undefined) return waiting;
    const turn = running.then(() => {
      waiting = undefined;
      return work();
    });
    waiting = turn;
    running = turn.catch(() => undefined);
    return turn;
  };
}
