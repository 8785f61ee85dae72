import type { Context } from "./context.js";
import { fromSortable, toSortable, uriEncodePath } from "./encoding.js";
import { invalidArgument } from "./refusal.js";
import { xmlReply, type Reply } from "./reply.js";
import { countParameter, parameter } from "./request.js";
import type { Bucket } from "./store.js";

/** One page of a listing; all strings sortable. */
interface Page {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
  /** The last key or prefix of the page, where there are more. */
  readonly next: string | undefined;
}

interface Question {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
  readonly limit: number;
}

/** Keys and common prefixes together make up the page, in the order of their bytes. */
function readPage(bucket: Bucket, { prefix, delimiter, after, limit }: Question): Page {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let last: string | undefined;
  let from = after;
  for (;;) {
    const [key] = take(bucket.keys(prefix, from));
    if (key === undefined || limit === 0) return { keys, prefixes, next: undefined };
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const common = at < 0 ? undefined : key.slice(0, at + delimiter.length);
    // Everything below a prefix that was the last thing of the page before has been told.
    const told = common !== undefined && common === after;
    if (!told && keys.length + prefixes.length >= limit) return { keys, prefixes, next: last };
    if (common === undefined) keys.push(key);
    else if (!told) prefixes.push(common);
    last = common ?? key;
    from = common === undefined ? key : `${common}\u00ff`;
  }
}

function take(keys: Iterable<string>): readonly [string | undefined] {
  for (const key of keys) return [key];
  return [undefined];
}

export function listObjectsV2(context: Context): Reply {
  const { request } = context;
  const token = parameter(request, "continuation-token");
  const startAfter = parameter(request, "start-after");
  const question = readQuestion(context, token === undefined ? toSortable(startAfter ?? "") : readToken(token));
  const page = readPage(context.bucket(), question);
  return xmlReply("ListBucketResult", {
    ...described(context, question.limit),
    ...(startAfter === undefined ? {} : { StartAfter: encoderOf(context)(startAfter) }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
    KeyCount: page.keys.length + page.prefixes.length,
    IsTruncated: page.next !== undefined,
    ...(page.next === undefined ? {} : { NextContinuationToken: writeToken(page.next) }),
    ...contents(context, page),
  });
}

/** The first version of the listing, which older clients use. */
export function listObjects(context: Context): Reply {
  const marker = parameter(context.request, "marker") ?? "";
  const question = readQuestion(context, toSortable(marker));
  const page = readPage(context.bucket(), question);
  const encode = encoderOf(context);
  return xmlReply("ListBucketResult", {
    ...described(context, question.limit),
    Marker: encode(marker),
    IsTruncated: page.next !== undefined,
    ...(page.next === undefined || question.delimiter === "" ? {} : { NextMarker: encode(fromSortable(page.next)) }),
    ...contents(context, page),
  });
}

function readQuestion(context: Context, after: string): Question {
  const { request, manners } = context;
  return {
    prefix: toSortable(parameter(request, "prefix") ?? ""),
    delimiter: toSortable(parameter(request, "delimiter") ?? ""),
    after,
    limit: Math.min(countParameter(request, "max-keys", manners.limits.pageSize), manners.limits.pageSize),
  };
}

function described(context: Context, limit: number): Record<string, string | number> {
  const encode = encoderOf(context);
  const delimiter = parameter(context.request, "delimiter");
  const encoding = parameter(context.request, "encoding-type");
  return {
    Name: context.request.bucket,
    Prefix: encode(parameter(context.request, "prefix") ?? ""),
    MaxKeys: limit,
    ...(delimiter === undefined ? {} : { Delimiter: encode(delimiter) }),
    ...(encoding === undefined ? {} : { EncodingType: encoding }),
  };
}

function contents(context: Context, page: Page): Record<string, readonly Record<string, string | number>[]> {
  const bucket = context.bucket();
  const encode = encoderOf(context);
  return {
    Contents: page.keys.map((sortable) => {
      const key = fromSortable(sortable);
      const { content, etag, modified, attributes } = bucket.get(key);
      return {
        Key: encode(key),
        LastModified: modified.toISOString(),
        ETag: etag,
        Size: content.size,
        StorageClass: attributes.storageClass,
      };
    }),
    CommonPrefixes: page.prefixes.map((prefix) => ({ Prefix: encode(fromSortable(prefix)) })),
  };
}

export function listMultipartUploads(context: Context): Reply {
  const { request, manners } = context;
  const prefix = parameter(request, "prefix") ?? "";
  const delimiter = parameter(request, "delimiter") ?? "";
  const keyMarker = parameter(request, "key-marker") ?? "";
  const idMarker = parameter(request, "upload-id-marker") ?? "";
  const limit = Math.min(countParameter(request, "max-uploads", manners.limits.pageSize), manners.limits.pageSize);
  const found = context
    .bucket()
    .uploads()
    .filter(({ key }) => key.startsWith(prefix));
  // An upload that is gone leaves the place of its key.
  const marked = found.findIndex(({ key, id }) => key === keyMarker && id === idMarker);
  const rest =
    marked < 0 ? found.filter(({ key }) => toSortable(key) > toSortable(keyMarker)) : found.slice(marked + 1);
  const rolled = new Set<string>();
  const listed = rest.filter(({ key }) => {
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    if (at >= 0) rolled.add(key.slice(0, at + delimiter.length));
    return at < 0;
  });
  const page = listed.slice(0, limit);
  const last = page.at(-1);
  const more = listed.length > page.length && last !== undefined;
  const encode = encoderOf(context);
  return xmlReply("ListMultipartUploadsResult", {
    Bucket: request.bucket,
    KeyMarker: encode(keyMarker),
    UploadIdMarker: idMarker,
    Prefix: encode(prefix),
    MaxUploads: limit,
    IsTruncated: more,
    ...(more ? { NextKeyMarker: encode(last.key), NextUploadIdMarker: last.id } : {}),
    Upload: page.map(({ key, id, initiated, attributes }) => ({
      Key: encode(key),
      UploadId: id,
      Initiated: initiated.toISOString(),
      StorageClass: attributes.storageClass,
    })),
    CommonPrefixes: [...rolled].map((each) => ({ Prefix: encode(each) })),
  });
}

function encoderOf(context: Context): (text: string) => string {
  return parameter(context.request, "encoding-type") === "url" ? uriEncodePath : (text) => text;
}

function writeToken(last: string): string {
  return Buffer.from(`after:${last}`, "latin1").toString("base64url");
}

function readToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("latin1");
  if (!text.startsWith("after:")) throw invalidArgument("The continuation token provided is incorrect");
  return text.slice("after:".length);
}
