import { createRedisClient } from "./client.js";
import type { RedisOptions } from "./options.js";

/** A key in our part of the key space that no registry uses. */
const KEY = "longshore:1:probe";

type Commands = readonly (readonly [command: string, ...args: readonly (string | number)[]])[];

/** Every command that the caches send, in a form that changes nothing: a missing permission is reported by the command's name. */
const OF_CACHES: Commands = [
  ["PING"],
  ["GETRANGE", KEY, 0, 0],
  ["SET", KEY, "", "XX", "PX", 1],
  ["DEL", KEY],
  [
    "EVAL",
    'redis.call("GETRANGE", KEYS[1], 0, 0); redis.call("GET", KEYS[1]); return redis.call("PTTL", KEYS[1])',
    1,
    KEY,
  ],
];

/** What replicas need to send each other messages. In small letters, by which the library knows them. */
const OF_CHANNELS: Commands = [
  ["publish", KEY, ""],
  ["subscribe", KEY],
  ["unsubscribe", KEY],
];

/**
 * Connects to Redis as a registry would, tries what its user must be allowed to do for caches, and disconnects. Throws what failed,
 * within `patience` (ms), or RedisSettingError.
 */
export async function probeRedis(options: RedisOptions, patience: number): Promise<void> {
  await probe(options, patience, OF_CACHES);
}

/** The same for messages between replicas. */
export async function probeChannels(options: RedisOptions, patience: number): Promise<void> {
  await probe(options, patience, OF_CHANNELS);
}

async function probe(options: RedisOptions, patience: number, commands: Commands): Promise<void> {
  const client = await createRedisClient(options);
  let timer: NodeJS.Timeout | undefined;
  // The library reports most faults only here, and retries.
  const failed = new Promise<never>((_, reject) => {
    client.on("error", reject);
    timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience);
  });
  try {
    const tried = client.connect().then(async () => {
      for (const [command, ...args] of commands) await client.call(command, args);
    });
    await Promise.race([failed, tried]);
  } finally {
    clearTimeout(timer);
    client.disconnect();
  }
}
