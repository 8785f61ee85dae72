import { ApiError } from "../../errors/api-error.js";
import type { ByteBudget } from "./byte-budget.js";

/** The limits of a body that is held in memory. */
export interface SmallBodyLimits {
  /** Its maximum size in bytes. */
  readonly limit: number;
  /** Creates the error for a larger body. */
  readonly tooLarge: () => ApiError;
  /** The budget that its memory is taken from. */
  readonly budget: ByteBudget;
}

/** A body held in memory. */
export interface SmallBody extends Disposable {
  readonly bytes: Uint8Array;
}

/** The initial buffer of a body (bytes): most manifests fit. */
const FIRST = 16 * 1024;

/** Bodies up to this many bytes can be pushed even while stalled clients with large bodies hold the rest of the memory. */
const SMALL = 128 * 1024;

/** Seconds after which a client that was refused for lack of memory may try again. */
const RETRY_AFTER = "5";

/**
 * Reads all of `chunks`; disposing of the result returns its memory. Memory is taken for bytes that have arrived, not for
 * those announced, so that a client that sends little holds little. Throws `tooLarge`, and TOOMANYREQUESTS when the budget
 * is used up.
 */
export async function readSmallBody(
  chunks: AsyncIterable<Uint8Array>,
  { limit, tooLarge, budget }: SmallBodyLimits,
): Promise<SmallBody> {
  // A growing buffer rather than a list: tiny chunks would cost many times their size.
  let buffer = Buffer.alloc(0);
  let size = 0;
  let taken = 0;
  try {
    for await (const chunk of chunks) {
      const wanted = size + chunk.byteLength;
      if (wanted > limit) throw tooLarge();
      if (wanted > buffer.length) {
        const capacity = Math.min(limit, Math.max(FIRST, 2 * buffer.length, wanted));
        if (!budget.take(capacity - taken, capacity <= SMALL)) throw outOfMemory();
        taken = capacity;
        const grown = Buffer.alloc(capacity);
        buffer.copy(grown, 0, 0, size);
        buffer = grown;
      }
      buffer.set(chunk, size);
      size = wanted;
    }
  } catch (error) {
    budget.give(taken);
    throw error;
  }
  return {
    // Copied to its exact size, so that a cached manifest doesn't keep the spare capacity alive.
    bytes: size === buffer.length ? buffer : Buffer.from(buffer.subarray(0, size)),
    [Symbol.dispose]() {
      budget.give(taken);
      taken = 0;
    },
  };
}

function outOfMemory(): ApiError {
  return new ApiError("TOOMANYREQUESTS", {
    detail: "too many manifests are being pushed at once; try again later",
    headers: { "Retry-After": RETRY_AFTER },
  });
}
