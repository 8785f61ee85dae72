import type { CallOptions } from "../../contract/driver.js";
import { isFault, ServiceFault } from "../objects/faults.js";
import { CONTENT_TYPE, jsonPath, query, type GcsContext } from "./context.js";
import { getWhole, headObject } from "./get.js";

/** Writes a whole object. Throws ServiceFault `precondition` if it hasn't the generation `expected`; "0": if it exists. */
export async function putObject(
  { client, calls, keys, options }: GcsContext,
  path: string,
  bytes: Uint8Array,
  call: CallOptions | undefined,
  { expected, onAttempt }: { readonly expected?: string; readonly onAttempt?: () => void } = {},
): Promise<void> {
  const operation = "Insert";
  if (expected === "") {
    const text = `${operation}: the version isn't known: something before the service takes away x-goog-generation`;
    throw new ServiceFault("refused", undefined, text);
  }
  const values = { uploadType: "media", name: keys.of(path), ifGenerationMatch: expected, fields: "generation" };
  const address = `/upload${jsonPath(options)}${query(values)}`;
  await calls.run({ operation, bytes: bytes.length, signal: call?.signal }, async (signal) => {
    onAttempt?.();
    const headers = { "content-type": CONTENT_TYPE, "content-length": String(bytes.length) };
    await client.text({ operation, method: "POST", path: address, headers, body: bytes }, signal);
  });
}

/**
 * Writes a whole object if it still has the version `expected` (undefined: if it doesn't exist), and returns whether it did. A
 * write whose answer was lost is recognised by what it wrote.
 */
export async function putVersioned(
  context: GcsContext,
  path: string,
  bytes: Uint8Array,
  expected: string | undefined,
  call: CallOptions | undefined,
): Promise<{ readonly written: boolean }> {
  let attempts = 0;
  const onAttempt = (): void => {
    attempts += 1;
  };
  try {
    await putObject(context, path, bytes, call, { expected: expected ?? "0", onAttempt });
    return { written: true };
  } catch (error) {
    if (!isFault(error, "precondition", "not-found")) throw error;
    return { written: attempts > 1 && (await has(context, path, bytes, call)) };
  }
}

async function has(
  context: GcsContext,
  path: string,
  bytes: Uint8Array,
  call: CallOptions | undefined,
): Promise<boolean> {
  try {
    const { size } = await headObject(context, path, call);
    return size === bytes.length && (await getWhole(context, path, size, call)).bytes.equals(bytes);
  } catch (error) {
    if (isFault(error, "not-found")) return false;
    throw error;
  }
}
