import { setTimeout as delay } from "node:timers/promises";
import { HOUR, SECOND } from "@longshore/base/duration";
import { isUpstreamError } from "../upstream/errors.js";

/** A job of hours waits for a rate limit to pass, up to so long (s). */
const LONGEST_WAIT = HOUR / SECOND;
/** How often it tries again where the source is away. */
const ATTEMPTS = 6;

/** Waits for a source that wants a pause or is away for a moment, and tries again. Any other error is thrown at once. */
export async function patiently<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onWait: ((seconds: number, reason: string) => void) | undefined,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const isLimit = isUpstreamError(error, "RATE_LIMITED");
      const seconds = isUpstreamError(error) && "retryAfter" in error.fault ? error.fault.retryAfter : Infinity;
      if (seconds > LONGEST_WAIT || (!isLimit && failures >= ATTEMPTS)) throw error;
      onWait?.(seconds, error instanceof Error ? error.message : "");
      await delay(seconds * SECOND, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
