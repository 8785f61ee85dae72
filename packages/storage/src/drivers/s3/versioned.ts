import type { CallOptions } from "../../contract/driver.js";
import type { S3Context } from "./context.js";
import { isFault } from "./faults.js";
import { getWhole } from "./get.js";
import { putObject, type Condition } from "./put.js";

/** Conditional writes, as far as the service has them. */
export interface VersionedWrites {
  write(
    path: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: CallOptions | undefined,
  ): Promise<{ readonly written: boolean }>;
}

/** Remembers a service that refuses the conditions, so that it isn't asked each time. */
export function createVersionedWrites(context: S3Context): VersionedWrites {
  let conditional = true;

  /** Whether the object has `bytes`: then an attempt whose answer was lost has written them. */
  const has = async (path: string, bytes: Uint8Array, call: CallOptions | undefined): Promise<boolean> => {
    try {
      return (await getWhole(context, path, bytes.length, call)).bytes.equals(bytes);
    } catch (error) {
      // Another size, or gone: it isn't ours.
      call?.signal?.throwIfAborted();
      if (isFault(error, "throttled", "transient")) throw error;
      return false;
    }
  };

  return {
    async write(path, bytes, expected, call) {
      const condition: Condition = expected === undefined ? { IfNoneMatch: "*" } : { IfMatch: expected };
      try {
        await putObject(context, path, bytes, call, conditional ? condition : undefined);
        return { written: true };
      } catch (error) {
        if (conditional && isFault(error, "not-implemented")) {
          conditional = false;
          await putObject(context, path, bytes, call);
          return { written: true };
        }
        // "If-Match" of what has gone is answered with 404.
        if (isFault(error, "precondition", "not-found")) return { written: await has(path, bytes, call) };
        throw error;
      }
    },
  };
}
