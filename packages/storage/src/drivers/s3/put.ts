import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import { objectSettings, type S3Context } from "./context.js";

/** The write is refused if the content no longer has this ETag, or if something exists. */
export type Condition = { readonly IfMatch: string } | { readonly IfNoneMatch: "*" };

/** Writes a whole object. Throws ServiceFault `precondition` if `condition` isn't met. */
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
