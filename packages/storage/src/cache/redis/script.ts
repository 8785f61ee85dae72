import { createHash } from "node:crypto";
import type { CacheOperation } from "../../contract/caches.js";
import { isUnknownScript, type RedisCall, type RedisConnection } from "./connection.js";

/** A script for Redis, with what Redis calls it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function script(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** Runs a script that touches `key` alone. A server that doesn't know it yet is sent its text. */
export async function runScript(
  connection: RedisConnection,
  operation: CacheOperation,
  { sha, text }: Script,
  key: string,
  args: readonly string[],
): Promise<unknown> {
  const call = (command: string, which: string): RedisCall => ({ operation, command, args: [which, 1, key, ...args] });
  try {
    return await connection.call(call("evalsha", sha));
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return connection.call(call("eval", text));
  }
}
