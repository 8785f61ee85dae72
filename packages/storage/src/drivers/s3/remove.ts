import { DeleteObjectCommand, DeleteObjectsCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import type { S3Context } from "./context.js";
import { isFault, ServiceFault } from "../objects/faults.js";
import { allKeys } from "./list.js";

/** The maximum number of keys in one request to S3. */
const MOST_KEYS = 1000;

/** Removes an object, whether or not it exists. */
async function deleteKey({ client, calls, options }: S3Context, key: string, call: CallOptions | undefined) {
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
    throw new ServiceFault(
      denied ? "access-denied" : "transient",
      undefined,
      `DeleteObjects: ${failed.length} of ${keys.length} keys were not deleted, the first for ${first.Code ?? ""}`,
    );
  });
}

/** Removes everything below the directory at `path`; returns whether there was anything. */
export async function deleteBelow(context: S3Context, path: string, call: CallOptions | undefined): Promise<boolean> {
  let any = false;
  for await (const keys of allKeys(context, context.keys.below(path), call)) {
    any = true;
    await deleteKeys(context, keys, call);
  }
  return any;
}
