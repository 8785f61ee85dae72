import type { CallOptions } from "../../contract/driver.js";
import { isFault } from "../objects/faults.js";
import { blobAt, HEADERS, type AzureContext } from "./context.js";
import { getWhole, headBlob } from "./get.js";
import { overOtherType } from "./other-type.js";

/** Writes a whole blob. */
export function putBlob(
  context: AzureContext,
  path: string,
  bytes: Uint8Array,
  call: CallOptions | undefined,
): Promise<void> {
  const isSame = async (): Promise<boolean> => (await getWhole(context, path, bytes.length, call)).bytes.equals(bytes);
  return overOtherType(context, path, { size: bytes.length, isSame }, call, async () => {
    await upload(context, path, bytes, call, {});
  });
}

/**
 * Writes a whole blob if it still has the version `expected` (undefined: if it doesn't exist), and returns whether it did. A
 * write whose answer was lost is recognised by what it wrote.
 */
export async function putVersioned(
  context: AzureContext,
  path: string,
  bytes: Uint8Array,
  expected: string | undefined,
  call: CallOptions | undefined,
): Promise<{ readonly written: boolean }> {
  const conditions = expected === undefined ? { ifNoneMatch: "*" } : { ifMatch: expected };
  let attempts = 0;
  try {
    await upload(context, path, bytes, call, conditions, () => {
      attempts += 1;
    });
    return { written: true };
  } catch (error) {
    // `If-Match` on a missing blob is answered with 404 by some.
    if (!isFault(error, "precondition", "not-found")) throw error;
    return { written: attempts > 1 && (await has(context, path, bytes, call)) };
  }
}

async function upload(
  context: AzureContext,
  path: string,
  bytes: Uint8Array,
  call: CallOptions | undefined,
  conditions: { readonly ifMatch?: string; readonly ifNoneMatch?: string },
  onAttempt?: () => void,
): Promise<void> {
  const blob = blobAt(context, path);
  await context.calls.run({ operation: "PutBlob", bytes: bytes.length, signal: call?.signal }, (abortSignal) => {
    onAttempt?.();
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return blob.upload(body, body.length, { abortSignal, conditions, blobHTTPHeaders: HEADERS });
  });
}

async function has(
  context: AzureContext,
  path: string,
  bytes: Uint8Array,
  call: CallOptions | undefined,
): Promise<boolean> {
  try {
    const { size } = await headBlob(context, path, call);
    return size === bytes.length && (await getWhole(context, path, size, call)).bytes.equals(bytes);
  } catch (error) {
    if (isFault(error, "not-found")) return false;
    throw error;
  }
}
