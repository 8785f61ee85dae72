import type { Context } from "./context.js";
import { listMultipartUploads, listObjects, listObjectsV2 } from "./listings.js";
import type { Operation } from "./log.js";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadPart,
  uploadPartCopy,
} from "./multipart.js";
import { copyObject, deleteObject, deleteObjects, getObject, putObject } from "./objects.js";
import { notImplemented, S3Refusal } from "./refusal.js";
import { emptyReply, xmlReply, type Reply } from "./reply.js";
import { parameter, type S3Request } from "./request.js";

/** What each operation does. */
export const OPERATIONS: Readonly<Record<Operation, (context: Context) => Reply>> = {
  ListBuckets: ({ buckets }) =>
    xmlReply("ListAllMyBucketsResult", { Buckets: { Bucket: buckets.names().map((Name) => ({ Name })) } }),
  CreateBucket({ buckets, request }) {
    buckets.create(request.bucket);
    return emptyReply(200, { location: `/${request.bucket}` });
  },
  DeleteBucket({ buckets, request }) {
    buckets.delete(request.bucket);
    return emptyReply(204);
  },
  HeadBucket(context) {
    context.bucket();
    return emptyReply(200);
  },
  GetBucketLocation(context) {
    context.bucket();
    return xmlReply("LocationConstraint", {});
  },
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  GetObject: getObject,
  HeadObject: getObject,
  PutObject: putObject,
  CopyObject: copyObject,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
};

const LONGEST_KEY = 1024;

/** Subresources that the stand-in has none of; they must not be taken for something else. */
const UNKNOWN = ["acl", "tagging", "versioning", "versions", "policy", "lifecycle", "cors", "attributes", "partNumber"];

/** Which operation a request asks for. */
export function operationOf(request: S3Request): Operation {
  const has = (name: string): boolean => parameter(request, name) !== undefined;
  const found =
    request.bucket === ""
      ? serviceOperation(request.method)
      : request.key === ""
        ? bucketOperation(request, has)
        : objectOperation(request, has);
  const unknown = UNKNOWN.find((name) => has(name) && !(name === "partNumber" && has("uploadId")));
  if (unknown !== undefined) throw notImplemented(`subresource ${unknown}`);
  if (found === undefined) {
    throw new S3Refusal(405, "MethodNotAllowed", "The specified method is not allowed against this resource.");
  }
  if (Buffer.byteLength(request.key) > LONGEST_KEY) {
    throw new S3Refusal(400, "KeyTooLongError", "Your key is too long");
  }
  return found;
}

function serviceOperation(method: string): Operation | undefined {
  return method === "GET" ? "ListBuckets" : undefined;
}

function bucketOperation({ method, query }: S3Request, has: (name: string) => boolean): Operation | undefined {
  switch (method) {
    case "GET":
      if (has("location")) return "GetBucketLocation";
      if (has("uploads")) return "ListMultipartUploads";
      return query.some(([name, value]) => name === "list-type" && value === "2") ? "ListObjectsV2" : "ListObjects";
    case "PUT":
      return "CreateBucket";
    case "DELETE":
      return "DeleteBucket";
    case "HEAD":
      return "HeadBucket";
    case "POST":
      return has("delete") ? "DeleteObjects" : undefined;
    default:
      return undefined;
  }
}

function objectOperation({ method, headers }: S3Request, has: (name: string) => boolean): Operation | undefined {
  const copies = headers.has("x-amz-copy-source");
  switch (method) {
    case "GET":
      return has("uploadId") ? "ListParts" : "GetObject";
    case "HEAD":
      return "HeadObject";
    case "PUT":
      if (has("uploadId")) return copies ? "UploadPartCopy" : "UploadPart";
      return copies ? "CopyObject" : "PutObject";
    case "DELETE":
      return has("uploadId") ? "AbortMultipartUpload" : "DeleteObject";
    case "POST":
      if (has("uploads")) return "CreateMultipartUpload";
      return has("uploadId") ? "CompleteMultipartUpload" : undefined;
    default:
      return undefined;
  }
}
