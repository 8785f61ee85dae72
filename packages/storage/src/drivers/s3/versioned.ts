import { MIB } from "@longshore/base/size";
import type { CallOptions } from "../../contract/driver.js";
import type { S3Context } from "./context.js";
import { isFault } from "../objects/faults.js";
import { getWhole, headObject } from "./get.js";
import { putObject, type Condition } from "./put.js";

/** Conditional writes, as far as the service supports them. */
export interface VersionedWrites {
  write(
    path: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: CallOptions | undefined,
  ): Promise<{ readonly written: boolean }>;
}

/**
 * How the service expects a condition: an ETag in quotes, as it should; without quotes, as Ceph 16 compares it; or not at all.
 */
type Manner = "quoted" | "bare" | "none";

/** No small file has more bytes. */
const MOST_BYTES = 16 * MIB;

/** Enough attempts to find out which. */
const TRIES = 3;

const NEXT_MANNER: Readonly<Record<Manner, Manner>> = { quoted: "bare", bare: "none", none: "none" };

/** Finds out how the service expects conditions, and remembers it. */
export function createVersionedWrites(context: S3Context): VersionedWrites {
  let manner: Manner = "quoted";

  /** Why a write was refused: an earlier attempt has written it but its response was lost, or rightly, or wrongly. */
  const lookAt = async (
    path: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: CallOptions | undefined,
  ): Promise<"written" | "refused" | "wrongly refused"> => {
    try {
      const { size, version } = await headObject(context, path, call);
      if (version === expected) return "wrongly refused";
      if (size !== bytes.length) return "refused";
      // By now another write may have replaced it by something longer.
      return (await getWhole(context, path, MOST_BYTES, call)).bytes.equals(bytes) ? "written" : "refused";
    } catch (error) {
      if (isFault(error, "not-found")) return expected === undefined ? "wrongly refused" : "refused";
      throw error;
    }
  };

  const conditionOf = (expected: string | undefined): Condition | undefined => {
    if (manner === "none") return undefined;
    if (expected === undefined) return { IfNoneMatch: "*" };
    return { IfMatch: manner === "bare" ? expected.replaceAll('"', "") : expected };
  };

  const write = async (
    path: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: CallOptions | undefined,
    tries: number,
  ): Promise<{ readonly written: boolean }> => {
    const tried = manner;
    try {
      await putObject(context, path, bytes, call, conditionOf(expected));
      return { written: true };
    } catch (error) {
      if (tried === "none") throw error;
      if (isFault(error, "not-implemented")) manner = "none";
      // `If-Match` on a missing object is answered with 404.
      else if (isFault(error, "precondition", "not-found")) {
        const found = await lookAt(path, bytes, expected, call);
        if (found !== "wrongly refused" || tries === 0) return { written: found === "written" };
        // A file that prevented the creation of a new one may have been removed since. But the same content is never written
        // again in between: then the service doesn't understand the condition.
        if (manner === tried && expected !== undefined) manner = NEXT_MANNER[tried];
      } else throw error;
      return write(path, bytes, expected, call, tries - 1);
    }
  };
  return { write: (path, bytes, expected, call) => write(path, bytes, expected, call, TRIES) };
}
