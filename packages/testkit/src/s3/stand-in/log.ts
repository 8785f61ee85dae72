/** The operations that the stand-in knows. */
export type Operation =
  | "ListBuckets"
  | "CreateBucket"
  | "DeleteBucket"
  | "HeadBucket"
  | "GetBucketLocation"
  | "ListObjects"
  | "ListObjectsV2"
  | "ListMultipartUploads"
  | "DeleteObjects"
  | "GetObject"
  | "HeadObject"
  | "PutObject"
  | "CopyObject"
  | "DeleteObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "UploadPartCopy"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "ListParts";

/** A request as it came in. */
export interface SeenRequest {
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string;
  /** Decoded. */
  readonly query: ReadonlyMap<string, string>;
  /** Lowercase names. */
  readonly headers: ReadonlyMap<string, string>;
}

/** A request that was answered; status 0 where a fault took the answer away. */
export interface LoggedRequest extends SeenRequest {
  readonly status: number;
}

/** What the server was asked, the last 100,000 requests of it. */
export interface RequestLog {
  readonly requests: readonly LoggedRequest[];
  /** How often each operation was asked for. */
  counts(): Partial<Record<Operation, number>>;
  clear(): void;
}

const LIMIT = 100_000;

export function createRequestLog(): RequestLog & { add(request: LoggedRequest): void } {
  const requests: LoggedRequest[] = [];
  return {
    requests,
    add(request) {
      if (requests.length >= LIMIT) requests.shift();
      requests.push(request);
    },
    counts() {
      const counts: Partial<Record<Operation, number>> = {};
      for (const { operation } of requests) counts[operation] = (counts[operation] ?? 0) + 1;
      return counts;
    },
    clear: () => void (requests.length = 0),
  };
}
