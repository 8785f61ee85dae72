import { attributeHeaders, encryptionHeaders, readAttributes } from "./attributes.js";
import { checkReadConditions, checkWriteConditions } from "./conditions.js";
import { contentOf, sliceContent } from "./content.js";
import type { Context } from "./context.js";
import { uriDecode } from "./encoding.js";
import { invalidArgument, malformedXml, S3Refusal } from "./refusal.js";
import { emptyReply, xmlReply, type Reply } from "./reply.js";

import { makeObject, type StoredObject } from "./store.js";
import { childText, readXml } from "./xml.js";

const RANGE = /^bytes=(\d*)-(\d*)$/;
const MOST_DELETES = 1000;

export function getObject(context: Context): Reply {
  const { request } = context;
  const object = context.bucket().get(request.key);
  checkReadConditions(request.headers, object);
  const { size } = object.content;
  const headers = {
    ...attributeHeaders(object.attributes),
    ...overrides(context),
    etag: object.etag,
    "last-modified": object.modified.toUTCString(),
    "accept-ranges": "bytes",
  };
  const range = readRange(request.headers.get("range"), size);
  if (range === undefined) return { status: 200, headers, content: object.content };
  const content = sliceContent(object.content, range.start, range.end);
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${range.start}-${range.end}/${size}` },
    content,
  };
}

/** The `response-…` parameters, as presigned addresses use them. */
function overrides(context: Context): Record<string, string> {
  const prefix = "response-";
  return Object.fromEntries(
    context.request.query
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/** What isn't one range of bytes is ignored, as HTTP allows. */
function readRange(text: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, first = "", last = ""] = RANGE.exec(text ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  if (start >= size || end < start) {
    throw new S3Refusal(416, "InvalidRange", "The requested range is not satisfiable");
  }
  return { start, end };
}

export function putObject(context: Context): Reply {
  const { request, payload, manners, now } = context;
  const bucket = context.bucket();
  if (payload.bytes.byteLength > manners.limits.largestPut) {
    throw new S3Refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  }
  if (manners.conditionalWrites) checkWriteConditions(request.headers, bucket.find(request.key));
  const object = makeObject(contentOf(payload.bytes), readAttributes(request), now);
  bucket.put(request.key, object);
  return emptyReply(200, { etag: object.etag, ...encryptionHeaders(object.attributes) });
}

/** The object that `x-amz-copy-source` names. */
export function copySource(context: Context): StoredObject {
  const { request, buckets, manners } = context;
  const source = uriDecode((request.headers.get("x-amz-copy-source") ?? "").replace(/^\//, ""));
  const [, name, key] = /^([^/]+)\/(.+)$/s.exec(source ?? "") ?? [];
  if (name === undefined || key === undefined)
    throw invalidArgument("Copy Source must mention the source bucket and key");
  const object = buckets.get(name).get(key);
  if (manners.conditionalWrites) checkReadConditions(request.headers, object, "x-amz-copy-source-");
  return object;
}

export function copyObject(context: Context): Reply {
  const { request, manners, now } = context;
  const bucket = context.bucket();
  const source = copySource(context);
  if (source.content.size > manners.limits.largestPut) {
    throw new S3Refusal(400, "InvalidRequest", "The specified copy source is larger than the maximum allowable size");
  }
  const said = readAttributes(request);
  const replaces = request.headers.get("x-amz-metadata-directive") === "REPLACE";
  // The access list and the storage class are never copied.
  const attributes = replaces
    ? said
    : {
        ...source.attributes,
        acl: said.acl,
        storageClass: said.storageClass,
        encryption: said.encryption,
        encryptionKey: said.encryptionKey,
      };
  const object = makeObject(source.content, attributes, now);
  bucket.put(request.key, object);
  return xmlReply("CopyObjectResult", { LastModified: now.toISOString(), ETag: object.etag });
}

export function deleteObject(context: Context): Reply {
  const { request, manners } = context;
  const bucket = context.bucket();
  const existing = bucket.find(request.key);
  if (manners.conditionalWrites && existing !== undefined) checkWriteConditions(request.headers, existing);
  bucket.delete(request.key);
  return emptyReply(204);
}

export function deleteObjects(context: Context): Reply {
  const bucket = context.bucket();
  if (!context.payload.hasChecksum) {
    const message = "Missing required header for this request: Content-MD5 or a checksum";
    throw new S3Refusal(400, "InvalidRequest", message);
  }
  const root = readXml(context.payload.bytes.toString("utf8"));
  const keys = (root?.children ?? [])
    .filter(({ name }) => name === "Object")
    .map((element) => childText(element, "Key") ?? "");
  if (root?.name !== "Delete" || keys.length === 0 || keys.length > MOST_DELETES || keys.includes("")) {
    throw malformedXml();
  }
  for (const key of keys) bucket.delete(key);
  const quiet = childText(root, "Quiet") === "true";
  return xmlReply("DeleteResult", quiet ? {} : { Deleted: keys.map((Key) => ({ Key })) });
}
