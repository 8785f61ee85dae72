import type { PutObjectCommandInput, S3Client } from "@aws-sdk/client-s3";
import type { Calls } from "./calls.js";
import type { Keys } from "./keys.js";
import type { S3Options } from "./parameters.js";

/** What every part of the driver works with. */
export interface S3Context {
  readonly client: S3Client;
  readonly calls: Calls;
  readonly keys: Keys;
  readonly options: S3Options;
}

type ObjectSettings = Pick<
  PutObjectCommandInput,
  "ContentType" | "ACL" | "StorageClass" | "ServerSideEncryption" | "SSEKMSKeyId"
>;

/** What every object is written with, as in the original (contract §6.4). */
export function objectSettings({ acl, storageClass, encryption }: S3Options): ObjectSettings {
  return {
    ContentType: "application/octet-stream",
    ACL: acl,
    ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
    ...(encryption === undefined
      ? {}
      : { ServerSideEncryption: encryption.keyId === undefined ? "AES256" : "aws:kms" }),
    ...(encryption?.keyId === undefined ? {} : { SSEKMSKeyId: encryption.keyId }),
  };
}
