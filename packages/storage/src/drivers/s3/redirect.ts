import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { RedirectRequest } from "../../contract/driver.js";
import type { S3Context } from "./context.js";

/** A presigned URL (version 4), by which a client may fetch the object at `path` itself for a while. Makes no request. */
export function presignedUrl(
  { client, keys, options }: S3Context,
  path: string,
  { method }: RedirectRequest,
): Promise<string> {
  const input = { Bucket: options.bucket, Key: keys.of(path) };
  // By the storage's clock, as far as it is known from responses.
  const signingDate = new Date(Date.now() + client.config.systemClockOffset);
  const settings = { expiresIn: Math.floor(options.redirectexpiry / 1000), signingDate };
  return method === "HEAD"
    ? getSignedUrl(client, new HeadObjectCommand(input), settings)
    : getSignedUrl(client, new GetObjectCommand(input), settings);
}
