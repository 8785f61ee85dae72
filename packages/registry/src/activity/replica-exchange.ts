import { SECOND } from "@longshore/base/duration";
import { withTimeout } from "@longshore/base/timeout";
import type { ChannelListener, SharedChannels } from "@longshore/storage";
import type { Log } from "../observability/log.js";
import { Courier } from "./courier.js";
import type { NamedEvent } from "./feed.js";
import {
  EVENTS_TOPIC,
  MOST_EVENTS,
  readEventsMessage,
  readWatchMessage,
  WATCH_TOPIC,
  type EventsMessage,
  type WatchMessage,
} from "./replica-messages.js";

/** The times of an exchange (ms), which is for tests only. */
export interface ExchangeTimes {
  /** How often a replica repeats that somebody watches there. */
  readonly renew: number;
  /** How long that counts. */
  readonly lifetime: number;
  /** How long a replica waits to hear itself, and before it tries again. */
  readonly patience: number;
}

const TIMES: ExchangeTimes = { renew: 5 * SECOND, lifetime: 15 * SECOND, patience: 2 * SECOND };
/** How long events are collected for the others (ms), and the most that wait. */
const GATHER = 100;
const MOST_WAITING = 500;
/** How long replicas that ask who watches are collected for one answer (ms). */
const ANSWER = 100;
/** The most replicas that are kept in mind. */
const MOST_REPLICAS = 256;
/** How long the last events may take at the end (ms). */
const LAST = 500;

/** Told of what other replicas say. */
export interface ExchangeListener {
  happened(events: readonly NamedEvent[]): void;
  /** Events of others may be missing here. */
  missed(): void;
  /** Whether somebody watches at another replica. Called on changes only. */
  watched(isWatched: boolean): void;
}

/** What an exchange works with. */
export interface ExchangePorts {
  /** Tells this replica from the others (UUID). */
  readonly replica: string;
  readonly channels: SharedChannels;
  readonly log: Pick<Log, "info" | "warn">;
  readonly times?: ExchangeTimes;
}

/**
 * Tells other replicas what happens here while somebody watches there, and this one what happens there while somebody watches here. It hears
 * its own word, too: that it doesn't says that others' may be lost.
 */
export class ReplicaExchange {
  readonly #listener: ExchangeListener;
  readonly #ports: ExchangePorts;
  readonly #times: ExchangeTimes;
  readonly #courier: Courier<NamedEvent>;
  /** The others where somebody watches, and until when that counts. */
  readonly #watchers = new Map<string, number>();
  /** The last message of each. */
  readonly #numbers = new Map<string, number>();
  #number = 0;
  #isWatchedElsewhere = false;
  #isWatchedHere = false;
  /** Whether who watches here was told that others' events are missing. */
  #isPartial = false;
  #hasAsked = false;
  #hasHeard = true;
  #hasComplained = false;
  #wasRefused = false;
  #sending: Promise<void> = Promise.resolve();
  #saying: Promise<void> = Promise.resolve();
  #renewal: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #answer: NodeJS.Timeout | undefined;

  constructor(listener: ExchangeListener, ports: ExchangePorts) {
    this.#listener = listener;
    this.#ports = ports;
    this.#times = ports.times ?? TIMES;
    this.#courier = new Courier({
      send: ({ items, hasGap }) => {
        if (hasGap) this.#number += 1;
        this.#sending = this.#send(items);
        return true;
      },
      most: MOST_WAITING,
      gather: GATHER,
    });
    const { channels } = ports;
    channels.join(WATCH_TOPIC);
    channels.begin(this.#hearing());
  }

  /** Whether somebody watches here. */
  watch(isWatched: boolean): void {
    const { channels } = this.#ports;
    this.#isWatchedHere = isWatched;
    this.#isPartial = false;
    clearTimeout(this.#renewal);
    if (isWatched) {
      this.#hasHeard = false;
      this.#renewLater(() => this.#look(), this.#times.patience);
      // Answered with `joined`.
      channels.join(EVENTS_TOPIC);
    } else {
      this.#numbers.clear();
      channels.leave(EVENTS_TOPIC);
      this.#say({ kind: "watching", replica: this.#ports.replica, isWatching: false });
    }
  }

  /** Tells the others, if somebody watches there. */
  tell(event: NamedEvent): void {
    if (this.#isWatchedElsewhere) this.#courier.add([event]);
  }

  /** Something that happened here can't be told. */
  missed(): void {
    if (this.#isWatchedElsewhere) this.#courier.missed();
  }

  /** Sends what was collected at once. */
  flush(): void {
    this.#courier.flush();
  }

  /** Sends what was collected, says that there are no viewers here any more, and disconnects. */
  async close(): Promise<void> {
    this.#courier.flush();
    this.#courier.close();
    if (this.#isWatchedHere) this.watch(false);
    for (const timer of [this.#expiry, this.#answer]) clearTimeout(timer);
    await withTimeout(Promise.all([this.#sending, this.#saying]), LAST, () => undefined);
    this.#ports.channels.close();
  }

  #hearing(): ChannelListener {
    return {
      joined: () => this.#joined(),
      lost: (reason) => {
        this.#hasAsked = false;
        this.#lose(reason);
      },
      refused: (reason) => {
        this.#hasAsked = false;
        this.#refused(reason);
        this.#lose(reason);
      },
      message: (topic, bytes) => {
        if (topic === WATCH_TOPIC) this.#understand(topic, readWatchMessage(bytes), (message) => this.#noted(message));
        else this.#understand(topic, readEventsMessage(bytes), (message) => this.#told(message));
      },
    };
  }

  #understand<T>(topic: string, message: T | undefined, use: (message: T) => void): void {
    if (message !== undefined) use(message);
    else if (!this.#hasComplained) {
      this.#hasComplained = true;
      this.#ports.log.warn(
        "activity: something in redis isn't from a registry, and is left out, as all further such messages are",
        { topic },
      );
    }
  }

  #joined(): void {
    if (!this.#hasAsked) {
      this.#hasAsked = true;
      this.#say({ kind: "asking", replica: this.#ports.replica });
    }
    if (this.#isWatchedHere) this.#announce();
  }

  /** Says that somebody watches here, and looks later whether that was heard. */
  #announce(): void {
    this.#hasHeard = false;
    this.#say({ kind: "watching", replica: this.#ports.replica, isWatching: true });
    this.#renewLater(() => this.#look(), this.#times.patience);
  }

  /** Looks whether this replica heard itself. */
  #look(): void {
    const { patience, renew } = this.#times;
    if (this.#hasHeard) {
      this.#renewLater(() => this.#announce(), renew - patience);
      return;
    }
    this.#lose("redis doesn't answer, or which storage this is isn't known yet");
    this.#renewLater(() => this.#look(), patience);
    this.#ports.channels.rejoin();
  }

  #renewLater(step: () => void, pause: number): void {
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(step, pause).unref();
  }

  #lose(reason: string): void {
    if (!this.#isWatchedHere || this.#isPartial) return;
    this.#isPartial = true;
    this.#listener.missed();
    this.#ports.log.warn("activity: what happens in other replicas can't be shown until redis passes it on", {
      reason,
    });
  }

  #refused(reason: string): void {
    if (this.#wasRefused) return;
    this.#wasRefused = true;
    const message =
      "activity: redis refuses the channels on which replicas tell each other what happens; see docs/operating.md";
    this.#ports.log.warn(message, { reason });
  }

  #noted(message: WatchMessage): void {
    if (message.replica === this.#ports.replica) {
      if (message.kind === "watching" && message.isWatching) this.#heardItself();
    } else if (message.kind === "asking") {
      if (!this.#isWatchedHere) return;
      // One answer for all that ask at once.
      this.#answer ??= setTimeout(() => {
        this.#answer = undefined;
        if (this.#isWatchedHere) this.#say({ kind: "watching", replica: this.#ports.replica, isWatching: true });
      }, ANSWER).unref();
    } else {
      const { replica, isWatching } = message;
      const hasRoom = this.#watchers.has(replica) || this.#watchers.size < MOST_REPLICAS;
      if (!isWatching) this.#watchers.delete(replica);
      else if (hasRoom) this.#watchers.set(replica, performance.now() + this.#times.lifetime);
      this.#countWatchers();
    }
  }

  #heardItself(): void {
    this.#hasHeard = true;
    if (!this.#isPartial) return;
    this.#isPartial = false;
    // Viewers here weren't told of what happened meanwhile.
    this.#listener.missed();
    this.#ports.log.info("activity: what happens in other replicas is shown again");
  }

  #countWatchers(): void {
    clearTimeout(this.#expiry);
    const now = performance.now();
    for (const [replica, until] of this.#watchers) if (until <= now) this.#watchers.delete(replica);
    const isWatched = this.#watchers.size > 0;
    if (isWatched) {
      const next = Math.min(...this.#watchers.values());
      this.#expiry = setTimeout(() => this.#countWatchers(), next - now + 1).unref();
    }
    if (isWatched === this.#isWatchedElsewhere) return;
    this.#isWatchedElsewhere = isWatched;
    // Nothing was told in between: who has watched all the time has missed it.
    if (isWatched) this.#number += 1;
    else this.#courier.clear();
    this.#listener.watched(isWatched);
  }

  #told({ replica, number, events }: EventsMessage): void {
    if (!this.#isWatchedHere || replica === this.#ports.replica) return;
    const last = this.#numbers.get(replica);
    this.#numbers.delete(replica);
    this.#numbers.set(replica, number);
    const [oldest] = this.#numbers.keys();
    if (this.#numbers.size > MOST_REPLICAS && oldest !== undefined) this.#numbers.delete(oldest);
    if (last !== undefined && number !== last + 1) this.#listener.missed();
    if (events.length > 0) this.#listener.happened(events);
  }

  /** Sends `events`, the next message once Redis has the last. Those that can't be sent are missing: so are the numbers. */
  async #send(events: readonly NamedEvent[]): Promise<void> {
    const { replica, channels } = this.#ports;
    try {
      for (let start = 0; start === 0 || start < events.length; start += MOST_EVENTS) {
        this.#number += 1;
        const message: EventsMessage = {
          replica,
          number: this.#number,
          events: events.slice(start, start + MOST_EVENTS),
        };
        await channels.publish(EVENTS_TOPIC, JSON.stringify(message));
      }
      this.#courier.taken();
    } catch {
      // Whether Redis had the last one or not, those after it are missing.
      if (events.length > MOST_EVENTS) this.#number += 1;
      setTimeout(() => this.#courier.taken(), this.#times.patience).unref();
    }
  }

  /** That it isn't heard is noticed where it matters. */
  #say(message: WatchMessage): void {
    this.#saying = this.#ports.channels.publish(WATCH_TOPIC, JSON.stringify(message)).catch(() => undefined);
  }
}
