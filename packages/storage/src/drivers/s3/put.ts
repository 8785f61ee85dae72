import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import { objectSettings, type S3Context } from "./context.js";

/** When a write is to be refused: the content isn't the one with this ETag any more, or something is there. */
export type Condition = { readonly IfMatch: string } | { readonly IfNoneMatch: "*" };

/** Writes a whole object. Throws S3Fault `precondition` where `condition` doesn't hold. */
export async function putObject(
  { client, calls, keys, options }: S3Context,
  path: string,
  bytes: Uint8Array,
  call: CallOptions | undefined,
  condition?: Condition,
): Promise<void> {
  await calls.run({ operation: "PutObject", bytes: bytes.length, signal: call?.signal }, (abortSignal) => {
    const command = new PutObjectCommand({
      Bucket: options.bucket,
      Key: keys.of(path),
      Body: bytes,
      ...objectSettings(options),
      ...condition,
    });
    return client.send(command, { abortSignal });
  });
}
