import type { PutObjectCommandInput, S3Client } from "@aws-sdk/client-s3";
import type { Calls } from "../objects/calls.js";
import type { Keys } from "../objects/keys.js";
import type { S3Options } from "./options.js";

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

/** The settings that every object is written with, as in Distribution (wire contract §6.4). */
export function objectSettings({ objectacl, storageclass, encryption }: S3Options): ObjectSettings {
  return {
    ContentType: "application/octet-stream",
    ACL: objectacl,
    ...(storageclass === "NONE" ? {} : { StorageClass: storageclass }),
    ...(encryption === undefined
      ? {}
      : { ServerSideEncryption: encryption.keyid === undefined ? "AES256" : "aws:kms" }),
    ...(encryption?.keyid === undefined ? {} : { SSEKMSKeyId: encryption.keyid }),
  };
}

/** The `CopySource` that names a file. A path has nothing that needs an escape, but the root directory may. */
export function copySource({ keys, options }: CopyContext, path: string): string {
  return `${options.bucket}/${keys.of(path).split("/").map(encodeURIComponent).join("/")}`;
}

interface CopyContext {
  readonly keys: Keys;
  readonly options: Pick<S3Options, "bucket">;
}
