import { contentOf, joinContents, md5Of } from "../s3/stand-in/content.js";
import { emptyReply, xmlReply, type Reply } from "../s3/stand-in/reply.js";
import { S3Refusal } from "../s3/stand-in/refusal.js";
import type { Upload } from "../s3/stand-in/store.js";
import { childText, readXml } from "../s3/stand-in/xml.js";
import type { GcsCall } from "./json-api.js";
import { GcsRefusal } from "./refusal.js";

/** Bytes of a part that isn't the last one, and how many parts. */
const LIMITS = { smallestPart: 5 * 1024 ** 2, mostParts: 10_000, page: 1000 };

function uploadOf({ request, store }: GcsCall): Upload {
  try {
    return store.bucket(request.bucket).upload(request.name, request.query.get("uploadId") ?? "");
  } catch (error) {
    if (!(error instanceof S3Refusal)) throw error;
    throw new GcsRefusal(404, error.code, "The requested upload was not found.");
  }
}

export function initiateUpload({ request, body, store }: GcsCall): Reply {
  const { bucket, name, headers } = request;
  if (body.length > 0) throw new GcsRefusal(400, "InvalidArgument", "the body should be empty");
  const metadata = Object.entries(headers).flatMap(([key, value]) =>
    key.startsWith("x-goog-meta-") ? [[key.slice("x-goog-meta-".length), String(value)] as const] : [],
  );
  const attributes = {
    ...{
      contentType: String(headers["content-type"] ?? ""),
      metadata: new Map(metadata),
      acl: "",
      storageClass: "STANDARD",
    },
    ...{ headers: new Map<string, string>(), encryption: undefined, encryptionKey: undefined },
  };
  const { id } = store.bucket(bucket).createUpload(name, attributes, new Date());
  return xmlReply("InitiateMultipartUploadResult", { Bucket: bucket, Key: name, UploadId: id });
}

export function uploadPart(call: GcsCall): Reply {
  const number = Number(call.request.query.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > LIMITS.mostParts) {
    throw new GcsRefusal(400, "InvalidArgument", "Invalid part number.");
  }
  const content = contentOf(call.body);
  const etag = `"${md5Of(content)}"`;
  uploadOf(call).parts.set(number, { content, etag, modified: new Date() });
  return emptyReply(200, { etag });
}

export function completeUpload(call: GcsCall): Reply {
  const { request, store } = call;
  const upload = uploadOf(call);
  const root = readXml(call.body.toString());
  const wanted = (root?.children ?? []).map((part) => ({
    number: Number(childText(part, "PartNumber")),
    etag: childText(part, "ETag"),
  }));
  if (root?.name !== "CompleteMultipartUpload" || wanted.length === 0) {
    throw new GcsRefusal(400, "MalformedCompleteMultipartUploadRequest", "The XML isn't well-formed.");
  }
  const parts = wanted.map(({ number, etag }, index) => {
    const part = upload.parts.get(number);
    if (part === undefined || part.etag !== etag) throw new GcsRefusal(400, "InvalidPart", "A part couldn't be found.");
    if (number <= (wanted[index - 1]?.number ?? 0)) throw new GcsRefusal(400, "InvalidPartOrder", "Not in order.");
    if (index < wanted.length - 1 && part.content.size < LIMITS.smallestPart) {
      throw new GcsRefusal(400, "EntityTooSmall", "A part is smaller than the minimum allowed size.");
    }
    return part.content;
  });
  store.put(request.bucket, request.name, joinContents(parts), upload.attributes);
  store.bucket(request.bucket).removeUpload(upload.id);
  return xmlReply("CompleteMultipartUploadResult", { Bucket: request.bucket, Key: request.name });
}

export function abortUpload(call: GcsCall): Reply {
  call.store.bucket(call.request.bucket).removeUpload(uploadOf(call).id);
  return emptyReply(204);
}

export function listUploads({ request, store }: GcsCall): Reply {
  const { bucket, query } = request;
  const [prefix, keyMarker, idMarker] = ["prefix", "key-marker", "upload-id-marker"].map(
    (name) => query.get(name) ?? "",
  );
  const all = store
    .bucket(bucket)
    .uploads()
    .filter(({ key }) => key.startsWith(prefix ?? ""));
  const start = all.findIndex(({ key, id }) => key === keyMarker && id === idMarker) + 1;
  const page = all.slice(start, start + LIMITS.page);
  const last = page.at(-1);
  const more = start + page.length < all.length && last !== undefined;
  return xmlReply("ListMultipartUploadsResult", {
    Bucket: bucket,
    ...(more ? { NextKeyMarker: last.key, NextUploadIdMarker: last.id } : {}),
    IsTruncated: more,
    Upload: page.map(({ key, id, initiated }) => ({ Key: key, UploadId: id, Initiated: initiated.toISOString() })),
  });
}
