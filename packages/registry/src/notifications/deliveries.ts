import { errorFields, type Log } from "../observability/log.js";
import { formatEvent, parseEvent, type RegistryEvent } from "../event-formats/event.js";
import type { Poster } from "./delivery/post.js";
import { EndpointQueue, isFor, type DeliveryOptions, type Progress } from "./delivery/queue.js";
import type { EndpointCounts } from "./delivery/stats.js";
import type { Outbox, OutboxRecord } from "./outbox/contract.js";
import type { DeadLetter, DeadLetters } from "./outbox/dead-letters.js";

/** An endpoint with its poster, shared by all brokers. */
export interface BrokerEndpoint {
  /** Distinguishes it from the others, even after a restart. */
  readonly id: string;
  readonly delivery: DeliveryOptions;
  readonly poster: Poster;
  readonly counts: EndpointCounts;
}

/** An endpoint with the queue that sends it the outbox's events. */
interface Recipient {
  readonly endpoint: BrokerEndpoint;
  readonly queue: EndpointQueue;
}

/**
 * Delivers the events of one outbox to the endpoints, with a queue for each. Created before the outbox, which hands it the
 * events that it evicts.
 */
export class Deliveries {
  readonly #endpoints: readonly BrokerEndpoint[];
  readonly #deadLetters: DeadLetters;
  readonly #log: Log;
  #recipients: readonly Recipient[] = [];
  #isTrimming = false;

  constructor(endpoints: readonly BrokerEndpoint[], deadLetters: DeadLetters, log: Log) {
    this.#endpoints = endpoints;
    this.#deadLetters = deadLetters;
    this.#log = log;
  }

  /** Begins to send the events of `outbox`, to each endpoint from its position on. */
  begin(outbox: Outbox, progressOf: (endpoint: BrokerEndpoint) => Progress): void {
    const deadLetters = this.#deadLetters;
    const log = this.#log;
    const onProgress = (): void => this.#trim(outbox);
    this.#recipients = this.#endpoints.map((endpoint) => {
      const { delivery, poster, counts } = endpoint;
      const progress = progressOf(endpoint);
      return {
        endpoint,
        queue: new EndpointQueue(delivery, { outbox, progress, poster, deadLetters, counts, log, onProgress }),
      };
    });
  }

  /** Appends events to `outbox`, which the queues follow. */
  async append(outbox: Outbox, events: readonly RegistryEvent[], durable: boolean): Promise<void> {
    const payloads = events.map((event) => Buffer.from(formatEvent(event)));
    this.#count(events, 1);
    try {
      await outbox.append(payloads, durable);
    } catch (error) {
      this.#count(events, -1);
      throw error;
    }
  }

  /** Writes the events that a full outbox gives up to the dead letters of each endpoint that hasn't received them. */
  async evict(records: readonly OutboxRecord[], next: number): Promise<void> {
    const letters = records.flatMap((record) => lettersOf(record, this.#recipients));
    for (const { queue } of this.#recipients) queue.skipTo(next);
    if (letters.length === 0) return;
    const names = [...new Set(letters.map(({ endpoint }) => endpoint))].join(", ");
    this.#log.error(
      `notifications: the outbox is full; ${letters.length} of the oldest deliveries are given up (${names}); ` +
        "see the dead letters, and what keeps these endpoints from taking events",
    );
    await this.#deadLetters
      .add(letters)
      .catch((error: unknown) =>
        this.#log.error("notifications: the dead letters can't be written", errorFields(error)),
      );
  }

  /** Whether every endpoint has received everything. */
  isIdle(): boolean {
    return this.#recipients.every(({ queue }) => queue.isIdle);
  }

  /** Aborts the current attempts. */
  async close(): Promise<void> {
    await Promise.all(this.#recipients.map(({ queue }) => queue.close()));
  }

  /** Removes events that every endpoint has received. A file that can't be removed is tried again with the next record. */
  #trim(outbox: Outbox): void {
    if (this.#isTrimming) return;
    this.#isTrimming = true;
    const least = Math.min(...this.#recipients.map(({ queue }) => queue.sequence));
    const ended = (): void => void (this.#isTrimming = false);
    outbox.trim(least).then(ended, ended);
  }

  #count(events: readonly RegistryEvent[], sign: 1 | -1): void {
    for (const { endpoint, queue } of this.#recipients) {
      const wanted = events.filter((event) => queue.wants(event)).length * sign;
      endpoint.counts.events += wanted;
      endpoint.counts.pending += wanted;
    }
  }
}

function lettersOf({ sequence, payload }: OutboxRecord, recipients: readonly Recipient[]): DeadLetter[] {
  const event = parseEvent(payload.toString("utf8"));
  if (event === undefined) return [];
  return recipients.flatMap(({ endpoint: { counts }, queue }) => {
    if (sequence < queue.sequence || !queue.wants(event)) return [];
    counts.pending = Math.max(counts.pending - 1, 0);
    counts.died("outbox-full");
    return [queue.letter(event, "outbox-full")];
  });
}

/** Events that are still to be sent after a restart count as pending. */
export async function countBacklog(
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
