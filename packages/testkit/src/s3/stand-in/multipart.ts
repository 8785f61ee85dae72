import { encryptionHeaders, readAttributes } from "./attributes.js";
import { checkWriteConditions } from "./conditions.js";
import { type Content, contentOf, md5Of, sliceContent } from "./content.js";
import type { Context } from "./context.js";
import { copySource } from "./objects.js";
import { invalidArgument, malformedXml, S3Refusal } from "./refusal.js";
import { emptyReply, xmlReply, type Reply } from "./reply.js";
import { countParameter, parameter } from "./request.js";
import { joinParts, type Part, type Upload } from "./store.js";
import { childText, readXml } from "./xml.js";

export function createMultipartUpload(context: Context): Reply {
  const { request, now } = context;
  const upload = context.bucket().createUpload(request.key, readAttributes(request), now);
  return xmlReply("InitiateMultipartUploadResult", { Bucket: request.bucket, Key: request.key, UploadId: upload.id });
}

export function uploadPart(context: Context): Reply {
  const part = storePart(context, contentOf(context.payload.bytes));
  return emptyReply(200, { etag: part.etag });
}

export function uploadPartCopy(context: Context): Reply {
  const source = copySource(context);
  const range = context.request.headers.get("x-amz-copy-source-range");
  const part = storePart(context, range === undefined ? source.content : cut(source.content, range));
  return xmlReply("CopyPartResult", { LastModified: part.modified.toISOString(), ETag: part.etag });
}

/** Both ends of a copy's range have to be inside. */
function cut(content: Content, range: string): Content {
  const [, first = "", last = ""] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === "" || start > end)
    throw invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last");
  if (end >= content.size) {
    throw invalidArgument(`Range specified is not valid for source object of size: ${content.size}`);
  }
  return sliceContent(content, start, end);
}

function storePart(context: Context, content: Content): Part {
  const { limits } = context.manners;
  const number = countParameter(context.request, "partNumber", 0);
  const upload = findUpload(context);
  if (number < 1 || number > limits.mostParts) {
    throw invalidArgument(`Part number must be an integer between 1 and ${limits.mostParts}, inclusive`);
  }
  if (content.size > limits.largestPut) {
    throw new S3Refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  }
  const part = { content, etag: `"${md5Of(content)}"`, modified: context.now };
  upload.parts.set(number, part);
  return part;
}

function findUpload(context: Context): Upload {
  return context.bucket().upload(context.request.key, parameter(context.request, "uploadId") ?? "");
}

export function completeMultipartUpload(context: Context): Reply {
  const { request, manners, now } = context;
  const bucket = context.bucket();
  const upload = findUpload(context);
  const parts = choose(upload, readParts(context.payload.bytes), manners.limits.smallestPart);
  if (manners.conditionalWrites) checkWriteConditions(request.headers, bucket.find(request.key));
  const object = joinParts(parts, upload.attributes, now);
  bucket.put(request.key, object);
  bucket.removeUpload(upload.id);
  const reply = xmlReply("CompleteMultipartUploadResult", {
    Location: `/${request.bucket}/${request.key}`,
    Bucket: request.bucket,
    Key: request.key,
    ETag: object.etag,
  });
  return { ...reply, headers: { ...reply.headers, ...encryptionHeaders(object.attributes) } };
}

interface WantedPart {
  readonly number: number;
  readonly etag: string;
}

function readParts(body: Buffer): readonly WantedPart[] {
  const root = readXml(body.toString("utf8"));
  const parts = (root?.children ?? [])
    .filter(({ name }) => name === "Part")
    .map((part) => ({ number: Number(childText(part, "PartNumber")), etag: childText(part, "ETag") ?? "" }));
  if (root?.name !== "CompleteMultipartUpload" || parts.length === 0) throw malformedXml();
  return parts;
}

function choose(upload: Upload, wanted: readonly WantedPart[], smallestPart: number): readonly Part[] {
  let before = 0;
  for (const { number } of wanted) {
    if (number <= before) {
      throw new S3Refusal(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
    }
    before = number;
  }
  return wanted.map(({ number, etag }, index) => {
    const part = upload.parts.get(number);
    if (part?.etag.replaceAll('"', "") !== etag.replaceAll('"', "")) {
      throw new S3Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.");
    }
    if (index < wanted.length - 1 && part.content.size < smallestPart) {
      throw new S3Refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
    }
    return part;
  });
}

export function abortMultipartUpload(context: Context): Reply {
  context.bucket().removeUpload(findUpload(context).id);
  return emptyReply(204);
}

export function listParts(context: Context): Reply {
  const { request, manners } = context;
  const upload = findUpload(context);
  const marker = countParameter(request, "part-number-marker", 0);
  const limit = Math.min(countParameter(request, "max-parts", manners.limits.pageSize), manners.limits.pageSize);
  const rest = [...upload.parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
  const page = rest.slice(0, limit);
  const [last] = page.at(-1) ?? [];
  const more = rest.length > page.length && last !== undefined;
  return xmlReply("ListPartsResult", {
    Bucket: request.bucket,
    Key: request.key,
    UploadId: upload.id,
    PartNumberMarker: marker,
    ...(more ? { NextPartNumberMarker: last } : {}),
    MaxParts: limit,
    IsTruncated: more,
    Part: page.map(([PartNumber, { etag, modified, content }]) => ({
      PartNumber,
      LastModified: modified.toISOString(),
      ETag: etag,
      Size: content.size,
    })),
  });
}
