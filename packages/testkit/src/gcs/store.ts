import { createBuckets, makeObject, type Bucket, type Buckets, type StoredObject } from "../s3/stand-in/store.js";
import { S3Refusal } from "../s3/stand-in/refusal.js";
import type { Content } from "../s3/stand-in/content.js";
import { conditionNotMet, GcsRefusal, noSuchObject } from "./refusal.js";

/** An object, with what only this service has. */
export interface GcsObject extends StoredObject {
  readonly generation: string;
}

/** What an object carries beside its bytes. */
interface Carried {
  readonly contentType: string;
  readonly metadata?: ReadonlyMap<string, string>;
}

/** The buckets of the stand-in: those of our stand-in for S3, with generations. */
export interface GcsStore {
  readonly buckets: Buckets;
  /** Throws notFound. */
  bucket(name: string): Bucket;
  find(bucket: string, name: string): GcsObject | undefined;
  get(bucket: string, name: string): GcsObject;
  /** Throws conditionNotMet, and rateLimitExceeded where that is switched on. */
  put(bucket: string, name: string, content: Content, carried: Carried, condition?: string): GcsObject;
  delete(bucket: string, name: string): void;
}

/** The service allows one write of an object's name a second (ms). */
const WRITE_INTERVAL = 1000;

export function createStore(isLimited: () => boolean): GcsStore {
  const buckets = createBuckets();
  const generations = new WeakMap<StoredObject, string>();
  const written = new Map<string, number>();
  let last = Date.now() * 1000;

  const bucketOf = (name: string): Bucket => {
    try {
      return buckets.get(name);
    } catch (error) {
      if (!(error instanceof S3Refusal)) throw error;
      throw new GcsRefusal(404, "notFound", "The specified bucket does not exist.");
    }
  };
  const find = (bucket: string, name: string): GcsObject | undefined => {
    const object = bucketOf(bucket).find(name);
    return object === undefined ? undefined : { ...object, generation: generations.get(object) ?? "" };
  };

  return {
    buckets,
    bucket: bucketOf,
    find,
    get(bucket, name) {
      const object = find(bucket, name);
      if (object === undefined) throw noSuchObject(bucket, name);
      return object;
    },
    put(bucket, name, content, { contentType, metadata = new Map() }, condition) {
      const before = find(bucket, name);
      if (condition !== undefined && (before?.generation ?? "0") !== condition) throw conditionNotMet();
      const now = performance.now();
      const id = `${bucket}/${name}`;
      if (isLimited() && now - (written.get(id) ?? -Infinity) < WRITE_INTERVAL) {
        throw new GcsRefusal(
          429,
          "rateLimitExceeded",
          `The object ${id} exceeded the rate limit for object mutations.`,
        );
      }
      written.set(id, now);
      last = Math.max(last + 1, Date.now() * 1000);
      const attributes = {
        ...{ contentType, metadata, acl: "", storageClass: "STANDARD", headers: new Map<string, string>() },
        ...{ encryption: undefined, encryptionKey: undefined },
      };
      const object = makeObject(content, attributes, new Date());
      generations.set(object, String(last));
      bucketOf(bucket).put(name, object);
      return { ...object, generation: String(last) };
    },
    delete: (bucket, name) => bucketOf(bucket).delete(name),
  };
}
