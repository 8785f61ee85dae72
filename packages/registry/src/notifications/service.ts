import { errorFields, type Log } from "../observability/log.js";
import { redactText } from "../observability/redact.js";
import type { EndpointConfig, NotificationsConfig } from "../config/notifications.js";
import { openFileBroker, openMemoryBroker, type Broker, type BrokerEndpoint } from "./broker.js";
import type { EventSink } from "./contract.js";
import { createPoster } from "./delivery/post.js";
import { EndpointCounts, type EndpointStats } from "./delivery/stats.js";
import { formatEvent, type RegistryEvent } from "./events/event.js";
import { createDropper } from "./outbox/inbox.js";
import { clearSlot, takeAbandoned, takeSlot, type Slot } from "./outbox/slots.js";

/** Notifications of a registry, in the one process that sends them. */
export interface NotificationService {
  /** Where a worker may leave events that this process doesn't take; undefined: nowhere, they are only in memory. */
  readonly directory: string | undefined;
  /** For events of this process itself. */
  readonly sink: EventSink;
  /** Keeps the events of a worker; false where that isn't possible. Never rejects. */
  keep(events: readonly RegistryEvent[], durable: boolean): Promise<boolean>;
  readonly endpoints: readonly EndpointConfig[];
  stats(): readonly EndpointStats[];
  /** Bytes of events that wait. */
  bytes(): number;
  /** Sends on for at most `grace` ms; what is left then waits on the disk for the next start. Idempotent. */
  stop(grace: number): Promise<void>;
}

/** Time between two looks at what workers left (ms). */
const COLLECT_INTERVAL = 1000;
/** Time between two looks for what other registries left (ms). */
const ADOPT_INTERVAL = 60_000;
/** How often a stop looks whether everything is sent (ms). */
const IDLE_CHECK = 20;
/** How often the log says that the outbox takes nothing (ms). */
const SAY_AGAIN = 10_000;

/**
 * Opens the notifications of a configuration that has endpoints: takes a part of the outbox directory, mends what a crash
 * left there, and begins to send. Where the directory can't be used, events are kept in memory, as in the original, and the
 * log says so: no registry stays away because of its webhooks.
 */
export async function openNotifications(config: NotificationsConfig, log: Log): Promise<NotificationService> {
  const endpoints = await Promise.all(withIds(config.endpoints).map(([id, endpoint]) => openEndpoint(id, endpoint)));
  for (const { name, url } of config.endpoints) {
    log.info(`configuring endpoint ${name} (${redactText(url)})`);
  }
  const limits = { maxBytes: config.outbox.maxbytes, deadLetterBytes: config.outbox.deadletterbytes };
  const { directory } = config.outbox;
  const own = directory === undefined ? undefined : await openOwn(directory, endpoints, limits, log);
  const broker = own?.broker ?? openMemoryBroker(endpoints, limits, log);
  const adopted = new Map<Slot, Broker>();

  let stopping: Promise<void> | undefined;
  /** What the disk takes in no form waits here, as all does in the original: most endpoints have it at once. */
  let spare: Broker | undefined;
  let saidAt = -Infinity;
  const dropper = own === undefined ? undefined : createDropper(own.slot.directory, `own.${process.pid}`);
  /** Leaves events in the inbox, which is read again and again; false where the disk is full. */
  const leave = async (events: readonly RegistryEvent[]): Promise<boolean> => {
    const left = dropper?.drop(events.map(formatEvent)).then(
      () => true,
      () => false,
    );
    return (await left) ?? false;
  };

  const keep = async (events: readonly RegistryEvent[], durable: boolean): Promise<boolean> => {
    try {
      await broker.keep(events, durable);
      return true;
    } catch (error) {
      if (performance.now() - saidAt > SAY_AGAIN) {
        saidAt = performance.now();
        log.error("notifications: events can't be written to the outbox", errorFields(error));
      }
      if (durable && (await leave(events))) return true;
      if (stopping !== undefined) return false;
      spare ??= openMemoryBroker(endpoints, limits, log);
      await spare.keep(events, durable);
      return true;
    }
  };
  const isIdle = (): boolean => broker.isIdle() && (spare?.isIdle() ?? true);
  const adopt = async (): Promise<void> => {
    if (directory === undefined || own === undefined) return;
    for (const slot of await takeAbandoned(directory)) {
      log.info(`notifications: sending what another registry left in ${slot.directory}`);
      adopted.set(slot, await openFileBroker(slot.directory, endpoints, limits, log));
    }
    for (const [slot, left] of adopted) {
      if (!left.isIdle()) continue;
      adopted.delete(slot);
      await left.close();
      await clearSlot(slot);
    }
  };
  const duties = [every(COLLECT_INTERVAL, () => broker.collect(), log), every(ADOPT_INTERVAL, adopt, log)];

  const stop = async (grace: number): Promise<void> => {
    await Promise.all(duties.map((duty) => duty.stop()));
    await broker.collect().catch(() => undefined);
    const deadline = Date.now() + grace;
    while (!isIdle() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, IDLE_CHECK));
    await broker.close();
    await spare?.close();
    for (const left of adopted.values()) await left.close();
    for (const { lock } of [...(own === undefined ? [] : [own.slot]), ...adopted.keys()]) await lock.release();
    await Promise.all(endpoints.map(({ poster }) => poster.close()));
  };
  return {
    directory: own?.slot.directory,
    sink: {
      async record(events, durable) {
        const kept = keep(events, durable).then((isKept) => {
          if (!isKept) logLost(log, events);
        });
        if (durable) await kept;
      },
    },
    keep,
    endpoints: config.endpoints,
    stats: () => endpoints.map(({ counts }) => counts),
    bytes: () =>
      [broker, ...adopted.values(), ...(spare === undefined ? [] : [spare])].reduce((sum, { bytes }) => sum + bytes, 0),
    stop: (grace) => (stopping ??= stop(grace)),
  };
}

/** Names what will never be sent, so that it can be made up for by hand. */
export function logLost(log: Log, events: readonly RegistryEvent[]): void {
  for (const { action, id, target } of events) {
    log.error("notifications: an event is lost", {
      "event.id": id,
      "event.action": action,
      "event.repository": target.repository,
      "event.digest": target.digest,
      "event.tag": target.tag,
    });
  }
}

/** Endpoints of one name are told apart by their order. */
function withIds(endpoints: readonly EndpointConfig[]): (readonly [string, EndpointConfig])[] {
  return endpoints.map((endpoint, index) => {
    const earlier = endpoints.slice(0, index).filter(({ name }) => name === endpoint.name).length;
    return [`${endpoint.name}#${earlier}`, endpoint];
  });
}

async function openEndpoint(id: string, endpoint: EndpointConfig): Promise<BrokerEndpoint> {
  const { name, url, headers, timeout, threshold, backoff, ignore, format } = endpoint;
  return {
    id,
    delivery: {
      name,
      filter: { mediaTypes: ignore.mediatypes, actions: ignore.actions },
      format,
      retry: { threshold, backoff },
      maxAge: endpoint.maxage,
      maxAttempts: endpoint.maxattempts,
      secret: endpoint.secret?.reveal(),
    },
    poster: await createPoster({ url, headers, timeout }),
    counts: new EndpointCounts(name),
  };
}

async function openOwn(
  directory: string,
  endpoints: readonly BrokerEndpoint[],
  limits: Parameters<typeof openFileBroker>[2],
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

/** Runs `work` now and then, one at a time; a failure is logged and the next time comes. */
function every(interval: number, work: () => Promise<void>, log: Log): { stop(): Promise<void> } {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= work()
      .catch((error: unknown) =>
        log.error("notifications: what was left in the outbox can't be read", errorFields(error)),
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
