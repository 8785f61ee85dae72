import { DeleteObjectCommand, DeleteObjectsCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import type { S3Context } from "./context.js";
import { isFault, S3Fault } from "./faults.js";
import { headObject } from "./get.js";
import { allKeys } from "./list.js";

/** The maximum number of keys in one request to S3. */
const MOST_KEYS = 1000;

/** Removes an object, whether or not it exists. */
export async function deleteKey({ client, calls, options }: S3Context, key: string, call: CallOptions | undefined) {
  try {
    await calls.run({ operation: "DeleteObject", signal: call?.signal }, (abortSignal) =>
      client.send(new DeleteObjectCommand({ Bucket: options.bucket, Key: key }), { abortSignal }),
    );
  } catch (error) {
    // Amazon accepts a key that doesn't exist; some other services don't.
    if (!isFault(error, "not-found")) throw error;
  }
}

/** Removes objects, whether or not they exist. */
export async function deleteKeys(
  context: S3Context,
  keys: readonly string[],
  call: CallOptions | undefined,
): Promise<void> {
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) return deleteKey(context, only, call);
  for (let first = 0; first < keys.length; first += MOST_KEYS) {
    await deleteBatch(context, keys.slice(first, first + MOST_KEYS), call);
  }
}

async function deleteBatch(
  { client, calls, options }: S3Context,
  keys: readonly string[],
  call: CallOptions | undefined,
): Promise<void> {
  await calls.run({ operation: "DeleteObjects", signal: call?.signal }, async (abortSignal) => {
    const command = new DeleteObjectsCommand({
      Bucket: options.bucket,
      Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
    });
    const { Errors } = await client.send(command, { abortSignal });
    const failed = (Errors ?? []).filter(({ Code }) => Code !== "NoSuchKey" && Code !== undefined);
    const [first] = failed;
    if (first === undefined) return;
    const denied = first.Code === "AccessDenied";
    // Retrying does no harm to objects that have been removed already.
    throw new S3Fault(
      denied ? "access-denied" : "transient",
      undefined,
      `DeleteObjects: ${failed.length} of ${keys.length} keys were not deleted, the first for ${first.Code ?? ""}`,
    );
  });
}

/** Removes the object at `path` and everything below it; returns whether there was anything. */
export async function deleteTree(context: S3Context, path: string, call: CallOptions | undefined): Promise<boolean> {
  const key = context.keys.of(path);
  let any = await exists(context, path, call);
  if (any) await deleteKey(context, key, call);
  for await (const keys of allKeys(context, `${key}/`, call)) {
    any = true;
    await deleteKeys(context, keys, call);
  }
  return any;
}

async function exists(context: S3Context, path: string, call: CallOptions | undefined): Promise<boolean> {
  try {
    await headObject(context, path, call);
    return true;
  } catch (error) {
    if (isFault(error, "not-found")) return false;
    throw error;
  }
}
