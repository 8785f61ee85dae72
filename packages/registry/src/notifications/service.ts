import { errorFields, type Log } from "../observability/log.js";
import { logLost } from "./log-lost.js";
import { redactText } from "@longshore/base/redact";
import type { EndpointConfig, NotificationsConfig } from "../config/config.js";
import { openFileBroker, openMemoryBroker, type Broker, type BrokerLimits } from "./broker.js";
import type { BrokerEndpoint } from "./deliveries.js";
import type { EventSink } from "./contract.js";
import type { EndpointStats } from "./delivery/stats.js";
import { openEndpoints } from "./open-endpoints.js";
import { formatEvent, type RegistryEvent } from "../event-formats/event.js";
import { createDropper, type Dropper } from "./outbox/inbox.js";
import { clearSlot, takeAbandoned, takeSlot, type Slot } from "./outbox/slots.js";

/** Time between two checks of the inbox that workers write to (ms). */
const COLLECT_INTERVAL = 1000;
/** Time between two checks for events that other registries left (ms). */
const ADOPT_INTERVAL = 60_000;
/** How often a stop checks whether everything has been sent (ms). */
const IDLE_CHECK = 20;
/** How often the log reports that the outbox can't be written to (ms). */
const SAY_AGAIN = 10_000;

/** The parts of a service. */
interface Parts {
  readonly config: NotificationsConfig;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly limits: BrokerLimits;
  /** This process's part of the outbox directory; undefined if events are only in memory. */
  readonly slot: Slot | undefined;
  readonly broker: Broker;
  readonly log: Log;
}

/** Notifications of a registry, in the one process that sends them. */
export class NotificationService {
  readonly #parts: Parts;
  /** Writes events to this process's own inbox, which is read regularly. */
  readonly #dropper: Dropper | undefined;
  /**
   * Events that couldn't be written to the disk at all wait here, as all do in Distribution; most endpoints get them at
   * once.
   */
  #spare: Broker | undefined;
  /** Events that other registries left, which this one sends. */
  readonly #adopted = new Map<Slot, Broker>();
  readonly #repeated: readonly { stop(): Promise<void> }[];
  /** When the log last reported that the outbox can't be written to (ms). */
  #saidAt = -Infinity;
  #stopping: Promise<void> | undefined;

  /**
   * Opens the notifications of a configuration that has endpoints: claims a part of the outbox directory, repairs what a
   * crash left there, and begins to send. If the directory can't be used, events are kept in memory, as in Distribution, and
   * the log says so: webhooks never prevent the start.
   */
  static async open(config: NotificationsConfig, log: Log): Promise<NotificationService> {
    const endpoints = await openEndpoints(config.endpoints);
    for (const { name, url } of config.endpoints) log.info(`configuring endpoint ${name} (${redactText(url)})`);
    const { directory, maxbytes, deadletterbytes } = config.outbox;
    const limits = { maxBytes: maxbytes, deadLetterBytes: deadletterbytes };
    const own = directory === undefined ? undefined : await openOwn(directory, endpoints, limits, log);
    const broker = own?.broker ?? openMemoryBroker(endpoints, limits, log);
    return new NotificationService({ config, endpoints, limits, slot: own?.slot, broker, log });
  }

  private constructor(parts: Parts) {
    const { slot, broker, log } = parts;
    this.#parts = parts;
    this.#dropper = slot === undefined ? undefined : createDropper(slot.directory, `own.${process.pid}`);
    this.#repeated = [
      every(COLLECT_INTERVAL, () => broker.collect(), log),
      every(ADOPT_INTERVAL, () => this.#adopt(), log),
    ];
  }

  /** Where a worker may leave events that this process doesn't accept; undefined if events are only in memory. */
  get directory(): string | undefined {
    return this.#parts.slot?.directory;
  }

  get endpoints(): readonly EndpointConfig[] {
    return this.#parts.config.endpoints;
  }

  stats(): readonly EndpointStats[] {
    return this.#parts.endpoints.map(({ counts }) => counts);
  }

  /** Bytes of pending events. */
  bytes(): number {
    return this.#brokers().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** For events of this process itself. */
  readonly sink: EventSink = {
    record: async (events, durable) => {
      const kept = this.keep(events, durable).then((isKept) => {
        if (!isKept) logLost(this.#parts.log, events);
      });
      if (durable) await kept;
    },
  };

  /** Stores events, such as a worker's; false if that isn't possible. Never rejects. */
  async keep(events: readonly RegistryEvent[], durable: boolean): Promise<boolean> {
    try {
      await this.#parts.broker.keep(events, durable);
      return true;
    } catch (error) {
      this.#sayNow(error);
    }
    if (durable && (await this.#leave(events))) return true;
    if (this.#stopping !== undefined) return false;
    const { endpoints, limits, log } = this.#parts;
    this.#spare ??= openMemoryBroker(endpoints, limits, log);
    await this.#spare.keep(events, durable);
    return true;
  }

  /** Continues sending for at most `grace` ms; the rest waits on disk for the next start. Idempotent. */
  stop(grace: number): Promise<void> {
    return (this.#stopping ??= this.#stop(grace));
  }

  /** Stops at once. */
  close(): Promise<void> {
    return this.stop(0);
  }

  async #stop(grace: number): Promise<void> {
    const { broker, slot, endpoints } = this.#parts;
    await Promise.all(this.#repeated.map((each) => each.stop()));
    await broker.collect().catch(() => undefined);
    const deadline = performance.now() + grace;
    const isIdle = (): boolean => broker.isIdle() && (this.#spare?.isIdle() ?? true);
    while (!isIdle() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, IDLE_CHECK));
    for (const each of this.#brokers()) await each.close();
    for (const { lock } of [...(slot === undefined ? [] : [slot]), ...this.#adopted.keys()]) await lock.release();
    await Promise.all(endpoints.map(({ poster }) => poster.close()));
  }

  #brokers(): readonly Broker[] {
    const spare = this.#spare === undefined ? [] : [this.#spare];
    return [this.#parts.broker, ...spare, ...this.#adopted.values()];
  }

  /** False if the disk is full. */
  async #leave(events: readonly RegistryEvent[]): Promise<boolean> {
    if (this.#dropper === undefined) return false;
    return this.#dropper.drop(events.map(formatEvent)).then(
      () => true,
      () => false,
    );
  }

  /** Takes over events left by registries that have ended, and drops those that have been sent. */
  async #adopt(): Promise<void> {
    const { config, endpoints, limits, slot: own, log } = this.#parts;
    const { directory } = config.outbox;
    if (directory === undefined || own === undefined) return;
    for (const slot of await takeAbandoned(directory)) {
      log.info(`notifications: sending events that another registry left in ${slot.directory}`);
      this.#adopted.set(slot, await openFileBroker(slot.directory, endpoints, limits, log));
    }
    for (const [slot, left] of this.#adopted) {
      if (!left.isIdle()) continue;
      this.#adopted.delete(slot);
      await left.close();
      await clearSlot(slot);
    }
  }

  #sayNow(error: unknown): void {
    const now = performance.now();
    if (now - this.#saidAt <= SAY_AGAIN) return;
    this.#saidAt = now;
    this.#parts.log.error("notifications: events can't be written to the outbox", errorFields(error));
  }
}

async function openOwn(
  directory: string,
  endpoints: readonly BrokerEndpoint[],
  limits: BrokerLimits,
  log: Log,
): Promise<{ slot: Slot; broker: Broker } | undefined> {
  let slot: Slot | undefined;
  try {
    slot = await takeSlot(directory);
    return { slot, broker: await openFileBroker(slot.directory, endpoints, limits, log) };
  } catch (error) {
    await slot?.lock.release();
    log.error(
      `notifications: events can't be kept in ${directory}; they wait in memory and end with this process. ` +
        "Make the directory writable, name another one with notifications.outbox.directory, or say durable: false there",
      errorFields(error),
    );
    return undefined;
  }
}

/** Runs `work` at intervals, one run at a time; a failure is logged and the next run still happens. */
function every(interval: number, work: () => Promise<void>, log: Log): { stop(): Promise<void> } {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= work()
      .catch((error: unknown) =>
        log.error("notifications: events left in the outbox can't be read", errorFields(error)),
      )
      .finally(() => (running = undefined));
  }, interval);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
