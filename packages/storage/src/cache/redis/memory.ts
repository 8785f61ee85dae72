import type { CacheOperation } from "../../contract/caches.js";
import type { SharedMemory, SharedValues } from "../shared-memory.js";
import type { RedisCall, RedisConnection } from "./connection.js";
import { runScript, script, type Script } from "./script.js";

/*
 * An entry is one string: `=` and the value, `?` and the token of its next writer, or `!` while it is being changed.
 * Each script touches one key, so that a cluster accepts it.
 */

/**
 * Returns the entry; if there is none, stores the token for so many ms. Entries are shorter than 256 bytes: of a longer
 * value, which isn't ours, only the beginning is sent, and that is not a digest.
 */
const ASK = script(`
local entry = redis.call("GETRANGE", KEYS[1], 0, 255)
if entry ~= "" then return entry end
redis.call("SET", KEYS[1], "?" .. ARGV[1], "PX", ARGV[2])
return false`);

/** Replaces the token by the value. Its expiry stays: it counts from before the storage was read. */
const FILL = script(`
if redis.call("GET", KEYS[1]) ~= "?" .. ARGV[1] then return 0 end
local left = redis.call("PTTL", KEYS[1])
if left < 1 then return 0 end
redis.call("SET", KEYS[1], "=" .. ARGV[2], "PX", left)
return 1`);

const RELEASE = script(`
if redis.call("GET", KEYS[1]) == "?" .. ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0`);

/** How the steps are counted. */
interface Operations {
  readonly ask: CacheOperation;
  readonly fill: CacheOperation;
}

/** The steps over Redis. `keyOf` creates a key; it throws while the storage's id is unknown. */
export function createRedisMemory(
  connection: RedisConnection,
  keyOf: (key: string) => string,
  { ask, fill }: Operations,
): SharedMemory {
  const run = (operation: CacheOperation, which: Script, key: string, ...args: readonly string[]) =>
    runScript(connection, operation, which, keyOf(key), args);
  return {
    async ask(key, token, lifetime) {
      const entry = await run(ask, ASK, key, token, String(lifetime));
      if (entry === null) return { value: undefined, leased: true };
      if (typeof entry === "string" && entry.startsWith("=")) return { value: entry.slice(1) };
      return { value: undefined, leased: false };
    },
    async fill(key, token, value) {
      await run(fill, FILL, key, token, value);
    },
    async release(key, token) {
      await run(fill, RELEASE, key, token);
    },
    async block(keys, lifetime) {
      const set = (key: string): RedisCall => ({
        operation: "Invalidate",
        command: "set",
        args: [keyOf(key), "!", "PX", lifetime],
        urgent: true,
      });
      await Promise.all(keys.map(async (key) => connection.call(set(key))));
    },
    async drop(keys) {
      const del = (key: string): RedisCall => ({
        operation: "Invalidate",
        command: "del",
        args: [keyOf(key)],
        urgent: true,
      });
      await Promise.all(keys.map(async (key) => connection.call(del(key))));
    },
  };
}

/** Values of at most `maxBytes` over Redis, under keys that `keyOf` creates. A larger value isn't ours, and isn't fetched. */
export function createRedisValues(
  connection: RedisConnection,
  keyOf: (key: string) => string,
  options: { readonly get: CacheOperation; readonly set: CacheOperation; readonly maxBytes: number },
): SharedValues {
  return {
    async get(key) {
      const value = await connection.call({
        operation: options.get,
        command: "getrange",
        // One extra byte shows whether there are more.
        args: [keyOf(key), 0, options.maxBytes],
        binary: true,
      });
      // Redis answers with an empty string if there is no value.
      return Buffer.isBuffer(value) && value.length > 0 && value.length <= options.maxBytes ? value : undefined;
    },
    async set(key, value, lifetime) {
      const bytes = typeof value === "string" ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      await connection.call({ operation: options.set, command: "set", args: [keyOf(key), bytes, "PX", lifetime] });
    },
    async remove(key) {
      await connection.call({ operation: options.set, command: "del", args: [keyOf(key)] });
    },
  };
}
