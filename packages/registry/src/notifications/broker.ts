import { createHash } from "node:crypto";
import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errorFields, type Log } from "../observability/log.js";
import type { RegistryEvent } from "../event-formats/event.js";
import { countBacklog, Deliveries, type BrokerEndpoint } from "./deliveries.js";
import type { Progress } from "./delivery/queue.js";
import { Cursor } from "./outbox/cursor.js";
import { noDeadLetters, openDeadLetters } from "./outbox/dead-letters.js";
import { openFileOutbox } from "./outbox/file-outbox.js";
import { collectInbox } from "./outbox/inbox.js";
import { openMemoryOutbox } from "./outbox/memory-outbox.js";

export interface BrokerLimits {
  readonly maxBytes: number;
  readonly deadLetterBytes: number;
}

/** One outbox with its endpoints. */
export interface Broker {
  readonly bytes: number;
  /**
   * Stores events; with `durable`, until every endpoint has received them, whatever happens. Rejects if they can't be
   * stored.
   */
  keep(events: readonly RegistryEvent[], durable: boolean): Promise<void>;
  /** Reads the events that others have left in the inbox. */
  collect(): Promise<void>;
  /** Whether every endpoint has received everything. */
  isIdle(): boolean;
  /** Aborts the current attempts; the remaining events stay where they are stored. */
  close(): Promise<void>;
}

const CURSOR = /^cursor\.[0-9a-f]{16}$/;

/** The broker of a directory that only this process uses. Repairs what a crash left, and sends it. */
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
  const deliveries = new Deliveries(endpoints, deadLetters, log);
  const outbox = await openFileOutbox({
    directory,
    maxBytes: limits.maxBytes,
    atLeast: Math.max(1, ...[...cursors.values()].map(({ sequence }) => sequence)),
    evict: (records, next) => deliveries.evict(records, next),
    onRepair(what, segment) {
      if (what === "damaged") log.error(`notifications: bytes in ${segment} can't be read; the events there are lost`);
      else
        log.warn(`notifications: removed an unfinished write at the end of ${segment}, which was never acknowledged`);
    },
  });
  // A new endpoint gets events from now on.
  for (const cursor of fresh) cursor.set(outbox.next);
  for (const cursor of fresh) await cursor.sync();
  const progressOf = (endpoint: BrokerEndpoint): Progress => cursors.get(endpoint) ?? startingAt(outbox.next);
  await countBacklog(outbox, endpoints, progressOf);
  deliveries.begin(outbox, progressOf);
  const collect = oneAtATime(async () => {
    const { files, rejected } = await collectInbox(directory, (events) => deliveries.append(outbox, events, true));
    if (files > 0) log.info(`notifications: read ${files} files of events left in the inbox`);
    if (rejected > 0)
      log.error(
        `notifications: ${rejected} lines in the inbox are not events; their files were renamed to end in .rejected`,
      );
  });
  await collect();
  return {
    get bytes() {
      return outbox.bytes;
    },
    async keep(events, durable) {
      // Events in the inbox were acknowledged before these, so they come first.
      if (durable)
        await collect().catch((error: unknown) =>
          log.error("notifications: the inbox can't be read", errorFields(error)),
        );
      await deliveries.append(outbox, events, durable);
    },
    collect,
    isIdle: () => deliveries.isIdle(),
    async close() {
      await deliveries.close();
      for (const cursor of cursors.values()) {
        await cursor
          .sync()
          .catch((error: unknown) => log.warn("notifications: a cursor couldn't be written", errorFields(error)));
        await cursor.close();
      }
      await outbox.trim(Math.min(...[...cursors.values()].map(({ sequence }) => sequence)));
      await outbox.close();
      await deadLetters.close();
    },
  };
}

/** A broker that stores events in memory only. */
export function openMemoryBroker(endpoints: readonly BrokerEndpoint[], limits: BrokerLimits, log: Log): Broker {
  const deliveries = new Deliveries(endpoints, noDeadLetters, log);
  const outbox = openMemoryOutbox({
    maxBytes: limits.maxBytes,
    evict: (records, next) => deliveries.evict(records, next),
  });
  deliveries.begin(outbox, () => startingAt(outbox.next));
  return {
    get bytes() {
      return outbox.bytes;
    },
    keep: (events, durable) => deliveries.append(outbox, events, durable),
    collect: () => Promise.resolve(),
    isIdle: () => deliveries.isIdle(),
    async close() {
      const isDone = deliveries.isIdle();
      await deliveries.close();
      if (!isDone)
        log.warn("notifications: undelivered events are lost with this process, because they were only in memory");
      await outbox.close();
    },
  };
}

/** Drops the events of endpoints that are no longer configured. */
async function forgetOthers(directory: string, names: ReadonlySet<string>, log: Log): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!CURSOR.test(name) || names.has(name)) continue;
    log.info("notifications: an endpoint was removed from the configuration; its pending events are dropped");
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

/** Runs `work` for each call, one at a time; calls that are waiting share one run. */
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
