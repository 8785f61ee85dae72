import { createContext, Script } from "node:vm";

/**
 * What `work` returns; undefined where it takes longer than `limit` ms, and is broken off: for expressions whose running
 * time others decide, since nothing else can stop one in the middle.
 */
export function inTime(limit: number, work: () => boolean): boolean | undefined {
  try {
    return new Script("work()").runInContext(createContext({ work }), { timeout: limit }) === true;
  } catch (error) {
    if (isTimeout(error)) return undefined;
    throw error;
  }
}

/** By its code alone: the error comes from the context, whose Error isn't ours. */
function isTimeout(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
