import type { Payload } from "./payload.js";
import type { S3Request } from "./request.js";
import type { Bucket, Buckets } from "./store.js";

/** S3's limits in bytes and counts; a test may lower them to reach them. */
export interface Limits {
  /** Of a part that isn't the last one. */
  readonly smallestPart: number;
  /** Of one PutObject, one part, and the source of one copy. */
  readonly largestPut: number;
  readonly mostParts: number;
  /** Of one page of a listing. */
  readonly pageSize: number;
}

export const S3_LIMITS: Limits = {
  smallestPart: 5 * 1024 ** 2,
  largestPut: 5 * 1024 ** 3,
  mostParts: 10_000,
  pageSize: 1000,
};

/** How a server of its kind may differ from AWS. */
export interface Manners {
  readonly limits: Limits;
  /** False: `If-Match` and `If-None-Match` of writes and copies are ignored, as older servers do. */
  readonly conditionalWrites: boolean;
}

/** What an operation works with. */
export interface Context {
  readonly request: S3Request;
  readonly payload: Payload;
  readonly buckets: Buckets;
  readonly manners: Manners;
  readonly now: Date;
  /** The bucket that the request names. Throws NoSuchBucket. */
  bucket(): Bucket;
}
