import { withTimeout } from "@longshore/base/timeout";
import { createRedisClient } from "./client.js";
import { openConnection } from "./connection.js";
import { openNamespace } from "./namespace.js";
import type { RedisOptions } from "./options.js";

/** Told of what comes from Redis. Its methods don't throw. */
export interface ChannelListener {
  /** A message, from whomever: all who may publish there can write anything. */
  message(topic: string, bytes: Uint8Array): void;
  /** All topics that were joined are heard, from now on; again after an outage. */
  joined(): void;
  /** Nothing is heard any more, until `joined`. */
  lost(reason: string): void;
  /** Redis answers, and refuses the topics; it is asked again every few seconds. */
  refused(reason: string): void;
}

/** Messages that replicas over one storage send each other: who isn't there misses them. */
export interface SharedChannels {
  /** Connects. Call once. */
  begin(listener: ChannelListener): void;
  /** Hears a topic until it is left, again after each outage. */
  join(topic: string): void;
  leave(topic: string): void;
  /** Joins all topics again, in case that a server has forgotten them. */
  rejoin(): void;
  /**
   * Resolves when Redis has the message. Rejects at once while it is unavailable or the storage's id is unknown, and after the command
   * timeout, when the message may have been sent or not.
   */
  publish(topic: string, message: string): Promise<void>;
  close(): void;
}

/** How channels are opened. */
export interface SharedChannelsOptions {
  readonly redis: RedisOptions;
  /** Reads the storage's id; called until it is known, and occasionally afterwards. */
  readonly identify: () => Promise<string>;
}

/** The pause before Redis is asked again for topics that it didn't grant (ms). */
const RETRY = 5000;

/**
 * Channels in Redis, called `longshore:1:<storage's id>:<topic>`, as keys are. Two connections, because one that hears can't do anything else
 * in the older protocol. Throws RedisSettingError.
 */
export async function openSharedChannels({ redis, identify }: SharedChannelsOptions): Promise<SharedChannels> {
  const hearing = await createRedisClient(redis);
  const telling = await createRedisClient(redis);
  const namespace = openNamespace(identify, () => void sync());
  const nameOf = (topic: string): string => `longshore:1:${namespace.current()}:${topic}`;
  const topics = new Set<string>();
  /** The topics that are heard, by the names of their channels. */
  let heard = new Map<string, string>();
  let listener: ChannelListener | undefined;
  let connection: ReturnType<typeof openConnection> | undefined;
  let isSyncing = false;
  let isDue = false;
  let reason = "not connected yet";
  let timer: NodeJS.Timeout | undefined;

  /** Joins and leaves channels until those that are heard are those that should be. */
  async function sync(): Promise<void> {
    isDue = true;
    if (isSyncing) return;
    isSyncing = true;
    try {
      // Once the storage has a name, this is called again.
      while (isDue && hearing.status === "ready" && namespace.isKnown) {
        isDue = false;
        await change(new Map([...topics].map((topic) => [nameOf(topic), topic])));
      }
    } catch (error) {
      // Otherwise, the connection has ended, which is known by now.
      if (hearing.status === "ready") failed(error);
    } finally {
      isSyncing = false;
    }
  }

  function failed(error: unknown): void {
    if (error instanceof Error && error.name === "ReplyError") listener?.refused(error.message);
    else listener?.lost(describe(error));
    clearTimeout(timer);
    timer = setTimeout(() => void sync(), RETRY).unref();
  }

  async function change(wanted: ReadonlyMap<string, string>): Promise<void> {
    const left = [...heard.keys()].filter((name) => !wanted.has(name));
    const isMore = [...wanted.keys()].some((name) => !heard.has(name));
    heard = new Map([...heard].filter(([name]) => wanted.has(name)));
    if (left.length > 0) await ask("unsubscribe", left);
    if (!isMore) return;
    // Before the answer: the first message may come with it.
    heard = new Map(wanted);
    try {
      await ask("subscribe", [...wanted.keys()]);
    } catch (error) {
      heard.clear();
      throw error;
    }
    const names = new Set(heard.values());
    if ([...topics].every((topic) => names.has(topic))) listener?.joined();
  }

  async function ask(command: string, names: readonly string[]): Promise<void> {
    await withTimeout(hearing.call(command, [...names]), redis.commandTimeout, () => {
      throw new Error(`no answer within ${redis.commandTimeout} ms`);
    });
  }

  const lost = (): void => {
    heard.clear();
    listener?.lost(reason);
  };
  const note = (error: unknown): void => {
    reason = describe(error);
  };
  hearing.on("error", note);
  hearing.on("node error", note);
  hearing.on("ready", () => {
    reason = "the connection was closed";
    heard.clear();
    void sync();
  });
  hearing.on("close", lost);
  hearing.on("messageBuffer", (channel, message) => {
    if (!Buffer.isBuffer(channel) || !Buffer.isBuffer(message)) return;
    const topic = heard.get(channel.toString("latin1"));
    if (topic !== undefined) listener?.message(topic, message);
  });

  return {
    begin(who) {
      listener = who;
      connection = openConnection(telling, { commandTimeout: redis.commandTimeout, observer: {} });
      // Failures arrive as events, and the client keeps trying.
      hearing.connect().catch(note);
    },
    join(topic) {
      topics.add(topic);
      void sync();
    },
    leave(topic) {
      topics.delete(topic);
      void sync();
    },
    rejoin() {
      heard.clear();
      void sync();
    },
    async publish(topic, message) {
      const args = [nameOf(topic), message];
      if (connection === undefined) throw new Error(reason);
      await connection.call({ operation: "Publish", command: "publish", args });
    },
    close() {
      listener = undefined;
      clearTimeout(timer);
      namespace.close();
      hearing.disconnect();
      if (connection === undefined) telling.disconnect();
      else connection.close();
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "unknown fault";
}
