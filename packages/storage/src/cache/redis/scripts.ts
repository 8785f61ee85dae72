import type { CacheObserver } from "../../contract/caches.js";
import { createRedisClient } from "./client.js";
import { openConnection } from "./connection.js";
import type { RedisOptions } from "./options.js";
import { runScript, script } from "./script.js";

/** A script in Redis, for what isn't a cache but is shared by replicas. */
export interface SharedScript {
  /** Runs it on `key`. Rejects at once while Redis is unavailable, and after the command timeout. */
  run(key: string, ...args: readonly string[]): Promise<unknown>;
  close(): void;
}

/** Connects to Redis for one script, in Lua, which touches one key. Returns before it is connected. Throws RedisSettingError. */
export async function openSharedScript(
  options: RedisOptions,
  text: string,
  observer: Pick<CacheObserver, "state"> = {},
): Promise<SharedScript> {
  const client = await createRedisClient(options);
  const connection = openConnection(client, { commandTimeout: options.commandTimeout, observer });
  const prepared = script(text);
  return {
    run: (key, ...args) => runScript(connection, "Limit", prepared, key, args),
    close: () => connection.close(),
  };
}
