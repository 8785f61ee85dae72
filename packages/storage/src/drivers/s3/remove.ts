import { DeleteObjectCommand, DeleteObjectsCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import type { S3Context } from "./context.js";
import { isFault, S3Fault } from "./faults.js";
import { headObject } from "./get.js";
import { allKeys } from "./list.js";

/** S3 takes at most so many keys in one request. */
const MOST_KEYS = 1000;

/** Removes one object, whether it is there or not. */
export async function deleteKey({ client, calls, options }: S3Context, key: string, call: CallOptions | undefined) {
  try {
    await calls.run({ operation: "DeleteObject", signal: call?.signal }, (abortSignal) =>
      client.send(new DeleteObjectCommand({ Bucket: options.bucket, Key: key }), { abortSignal }),
    );
  } catch (error) {
    // Amazon doesn't mind a key that isn't there; others do.
    if (!isFault(error, "not-found")) throw error;
  }
}

/** Removes objects, whether they are there or not. */
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
    // All of them once more does no harm to those that have gone.
    throw new S3Fault(
      denied ? "access-denied" : "transient",
      undefined,
      `DeleteObjects: ${failed.length} of ${keys.length} keys were not deleted, the first for ${first.Code ?? ""}`,
    );
  });
}

/** Removes the object at `path` and everything below it; tells whether there was anything. */
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
