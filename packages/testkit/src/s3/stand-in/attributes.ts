import { invalidArgument, S3Refusal } from "./refusal.js";
import type { S3Request } from "./request.js";
import type { Attributes } from "./store.js";

const ACLS = new Set([
  "private",
  "public-read",
  "public-read-write",
  "authenticated-read",
  "aws-exec-read",
  "bucket-owner-read",
  "bucket-owner-full-control",
]);
const STORAGE_CLASSES = new Set([
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "DEEP_ARCHIVE",
  "OUTPOSTS",
  "GLACIER_IR",
  "EXPRESS_ONEZONE",
]);
const ENCRYPTIONS = new Set(["AES256", "aws:kms", "aws:kms:dsse"]);
const KEPT = ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"];
const META = "x-amz-meta-";

/** What the request says of the object it writes. */
export function readAttributes(request: S3Request): Attributes {
  const { headers } = request;
  const acl = headers.get("x-amz-acl") ?? "private";
  if (!ACLS.has(acl)) throw invalidArgument(`x-amz-acl ${acl}`);
  const storageClass = headers.get("x-amz-storage-class") ?? "STANDARD";
  if (!STORAGE_CLASSES.has(storageClass)) {
    throw new S3Refusal(400, "InvalidStorageClass", "The storage class you specified is not valid");
  }
  const encryption = headers.get("x-amz-server-side-encryption");
  const encryptionKey = headers.get("x-amz-server-side-encryption-aws-kms-key-id");
  if (encryption !== undefined && !ENCRYPTIONS.has(encryption)) {
    throw invalidArgument("The encryption method specified is not supported");
  }
  if (encryptionKey !== undefined && encryption?.startsWith("aws:kms") !== true) {
    throw invalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header aws:kms");
  }
  return {
    contentType: headers.get("content-type") ?? "binary/octet-stream",
    acl,
    storageClass,
    encryption,
    encryptionKey,
    headers: new Map(KEPT.flatMap((name) => keptHeader(name, headers.get(name)))),
    metadata: new Map(
      [...headers].filter(([name]) => name.startsWith(META)).map(([name, value]) => [name.slice(META.length), value]),
    ),
  };
}

/** `aws-chunked` is how the body came, not what it is. */
function keptHeader(name: string, value: string | undefined): [string, string][] {
  const kept = (value ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && each !== "aws-chunked")
    .join(",");
  return kept === "" ? [] : [[name, name === "content-encoding" ? kept : (value ?? "")]];
}

/** The headers that answers about an object carry for them. */
export function attributeHeaders(attributes: Attributes): Record<string, string> {
  const { contentType, storageClass, headers, metadata } = attributes;
  return {
    "content-type": contentType,
    ...(storageClass === "STANDARD" ? {} : { "x-amz-storage-class": storageClass }),
    ...encryptionHeaders(attributes),
    ...Object.fromEntries(headers),
    ...Object.fromEntries([...metadata].map(([name, value]) => [`${META}${name}`, value])),
  };
}

export function encryptionHeaders({ encryption, encryptionKey }: Attributes): Record<string, string> {
  return {
    ...(encryption === undefined ? {} : { "x-amz-server-side-encryption": encryption }),
    ...(encryptionKey === undefined ? {} : { "x-amz-server-side-encryption-aws-kms-key-id": encryptionKey }),
  };
}
