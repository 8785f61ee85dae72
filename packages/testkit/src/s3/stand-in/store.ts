import { randomBytes } from "node:crypto";
import { type Content, contentOf, joinContents, md5Of } from "./content.js";
import { toSortable } from "./encoding.js";
import { noSuchKey, noSuchUpload, S3Refusal } from "./refusal.js";

/** What an object carries beside its bytes: what the client said when it was written. */
export interface Attributes {
  readonly contentType: string;
  readonly acl: string;
  readonly storageClass: string;
  /** `x-amz-server-side-encryption` and `…-aws-kms-key-id`. */
  readonly encryption: string | undefined;
  readonly encryptionKey: string | undefined;
  /** Cache-Control, Content-Disposition, Content-Encoding, Content-Language, Expires. */
  readonly headers: ReadonlyMap<string, string>;
  /** Names without `x-amz-meta-`. */
  readonly metadata: ReadonlyMap<string, string>;
}

export interface StoredObject {
  readonly content: Content;
  /** With its quotes. */
  readonly etag: string;
  readonly modified: Date;
  readonly attributes: Attributes;
}

export interface Part {
  readonly content: Content;
  readonly etag: string;
  readonly modified: Date;
}

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly initiated: Date;
  readonly attributes: Attributes;
  readonly parts: Map<number, Part>;
}

/** One bucket: its objects in S3's order, and its unfinished multipart uploads. */
export interface Bucket {
  get(key: string): StoredObject;
  find(key: string): StoredObject | undefined;
  put(key: string, object: StoredObject): void;
  delete(key: string): void;
  /** Keys with the prefix that come after `after` (both sortable), in order, sortable. */
  keys(prefix: string, after: string): Iterable<string>;
  readonly size: number;
  createUpload(key: string, attributes: Attributes, initiated: Date): Upload;
  upload(key: string, id: string): Upload;
  removeUpload(id: string): void;
  /** By key, then as they were begun. */
  uploads(): readonly Upload[];
}

function createBucket(): Bucket {
  const objects = new Map<string, StoredObject>();
  const order: string[] = [];
  const uploads = new Map<string, Upload>();
  const find = (key: string): StoredObject | undefined => objects.get(toSortable(key));
  return {
    find,
    get(key) {
      const object = find(key);
      if (object === undefined) throw noSuchKey();
      return object;
    },
    put(key, object) {
      const sortable = toSortable(key);
      if (!objects.has(sortable)) order.splice(lowerBound(order, sortable), 0, sortable);
      objects.set(sortable, object);
    },
    delete(key) {
      const sortable = toSortable(key);
      if (objects.delete(sortable)) order.splice(lowerBound(order, sortable), 1);
    },
    *keys(prefix, after) {
      let at = Math.max(lowerBound(order, prefix), upperBound(order, after));
      for (let key = order[at]; key?.startsWith(prefix) === true; key = order[at]) {
        yield key;
        // Others may have written meanwhile.
        at = upperBound(order, key);
      }
    },
    get size() {
      return objects.size;
    },
    createUpload(key, attributes, initiated) {
      const upload = {
        id: randomBytes(16).toString("hex"),
        key,
        initiated,
        attributes,
        parts: new Map<number, Part>(),
      };
      uploads.set(upload.id, upload);
      return upload;
    },
    upload(key, id) {
      const upload = uploads.get(id);
      if (upload?.key !== key) throw noSuchUpload();
      return upload;
    },
    removeUpload: (id) => void uploads.delete(id),
    uploads: () =>
      [...uploads.values()].sort((a, b) => compareKeys(a.key, b.key) || a.initiated.getTime() - b.initiated.getTime()),
  };
}

export function makeObject(content: Content, attributes: Attributes, modified: Date): StoredObject {
  return { content, etag: `"${md5Of(content)}"`, modified, attributes };
}

/** The object that a finished multipart upload is. */
export function joinParts(parts: readonly Part[], attributes: Attributes, modified: Date): StoredObject {
  const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ""), "hex"));
  const etag = `"${md5Of(contentOf(Buffer.concat(digests)))}-${parts.length}"`;
  return { content: joinContents(parts.map(({ content }) => content)), etag, modified, attributes };
}

/** The buckets of one server. */
export interface Buckets {
  create(name: string): void;
  get(name: string): Bucket;
  delete(name: string): void;
  names(): readonly string[];
}

export function createBuckets(): Buckets {
  const buckets = new Map<string, Bucket>();
  const get = (name: string): Bucket => {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw new S3Refusal(404, "NoSuchBucket", "The specified bucket does not exist");
    return bucket;
  };
  return {
    get,
    create(name) {
      if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) {
        throw new S3Refusal(400, "InvalidBucketName", "The specified bucket is not valid.");
      }
      if (!buckets.has(name)) buckets.set(name, createBucket());
    },
    delete(name) {
      if (get(name).size > 0) {
        throw new S3Refusal(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
      }
      buckets.delete(name);
    },
    names: () => [...buckets.keys()].sort(),
  };
}

function compareKeys(a: string, b: string): number {
  const [x, y] = [toSortable(a), toSortable(b)];
  return x < y ? -1 : Number(x > y);
}

/** The first place whose key is not less. */
function lowerBound(order: readonly string[], key: string): number {
  return search(order, (each) => each < key);
}

/** The first place whose key is greater. */
function upperBound(order: readonly string[], key: string): number {
  return search(order, (each) => each <= key);
}

function search(order: readonly string[], isBefore: (key: string) => boolean): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(order[middle] ?? "")) low = middle + 1;
    else high = middle;
  }
  return low;
}
