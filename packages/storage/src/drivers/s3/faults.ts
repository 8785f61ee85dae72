import { isStorageError, StorageError, type StorageObstacle } from "../../errors.js";
import { driverError, pathNotFound } from "../shared/errors.js";

/** The driver's name in errors and metrics (wire contract §6.4). */
export const NAME = "s3aws";

/** Why a call failed. */
export type FaultKind =
  /** There is no object with this key. */
  | "not-found"
  /** The multipart upload doesn't exist, or no longer. */
  | "no-upload"
  /** A condition of the request isn't met. */
  | "precondition"
  /** A range outside the object. */
  | "range"
  | "access-denied"
  /** No room for more: the bucket's, the user's or the service's. */
  | "full"
  /** No room because of a configured limit. */
  | "quota"
  /** The service has no such operation or header. */
  | "not-implemented"
  /** Too many requests for the moment. */
  | "throttled"
  /** It may succeed the next time. */
  | "transient"
  /** Any other error, which retries won't change. */
  | "refused";

/** A failed call to S3. The message contains no secrets: neither keys nor signatures. */
export class S3Fault extends Error {
  override readonly name = "S3Fault";
  readonly kind: FaultKind;
  readonly status: number | undefined;

  constructor(kind: FaultKind, status: number | undefined, message: string) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

/** Whether `error` is an {@link S3Fault} of one of `kinds`. */
export function isFault(error: unknown, ...kinds: readonly FaultKind[]): error is S3Fault {
  return error instanceof S3Fault && kinds.includes(error.kind);
}

const KINDS: Readonly<Record<string, FaultKind>> = {
  NoSuchKey: "not-found",
  NotFound: "not-found",
  NoSuchUpload: "no-upload",
  NoSuchBucket: "refused",
  PreconditionFailed: "precondition",
  InvalidRange: "range",
  AccessDenied: "access-denied",
  AllAccessDisabled: "access-denied",
  QuotaExceeded: "quota",
  XMinioAdminBucketQuotaExceeded: "quota",
  XMinioStorageFull: "full",
  NotImplemented: "not-implemented",
  SlowDown: "throttled",
  TooManyRequests: "throttled",
  TooManyRequestsException: "throttled",
  ThrottlingException: "throttled",
  Throttling: "throttled",
  RequestLimitExceeded: "throttled",
  RequestTimeout: "transient",
  InternalError: "transient",
  ServiceUnavailable: "transient",
  // The client has learnt the clock offset from the response: the next signature has the right time.
  RequestTimeTooSkewed: "transient",
  RequestExpired: "transient",
  // Another write to the same key is under way.
  ConditionalRequestConflict: "transient",
  OperationAborted: "transient",
  // The body was damaged on its way.
  BadDigest: "transient",
  XAmzContentSHA256Mismatch: "transient",
};

const STATUSES: Readonly<Record<number, FaultKind>> = {
  403: "access-denied",
  404: "not-found",
  408: "transient",
  409: "transient",
  412: "precondition",
  416: "range",
  429: "throttled",
  501: "not-implemented",
  507: "full",
};

/** The system's errors for a connection that failed or broke. */
const BROKEN = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ERR_STREAM_PREMATURE_CLOSE",
  "HPE_INVALID_CONSTANT",
]);

/** What is known about an error of the SDK, which has no type. */
interface Known {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryable: boolean;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return value instanceof Object ? Object.fromEntries(Object.entries(value)) : {};
}

function know(error: unknown): Known {
  const fields = fieldsOf(error);
  const meta = fieldsOf(fields["$metadata"]);
  const status = meta["httpStatusCode"];
  const requestId = meta["requestId"];
  return {
    name: error instanceof Error ? error.name : "unknown",
    message: error instanceof Error ? error.message : "",
    code: typeof fields["code"] === "string" ? fields["code"] : "",
    status: typeof status === "number" ? status : undefined,
    requestId: typeof requestId === "string" ? requestId : undefined,
    retryable: fields["$retryable"] !== undefined || meta["clockSkewCorrected"] === true,
  };
}

function kindOf({ name, code, status, retryable }: Known): FaultKind {
  // Services report a signature with the wrong time in various ways; the client has learnt the offset for the next one.
  const named = KINDS[name];
  if (retryable && named !== "throttled") return "transient";
  if (named !== undefined) return named;
  if (BROKEN.has(code) || name === "TimeoutError") return "transient";
  if (status === undefined) return "refused";
  // The bucket is in another region, and retries won't change that.
  if (status === 301) return "refused";
  // An unreadable response was cut short, or isn't from the storage.
  if (status < 400) return "transient";
  return STATUSES[status] ?? (status >= 500 ? "transient" : "refused");
}

/** Replaces secrets in messages. */
const HIDDEN = "[hidden]";

/** Translates an error of the SDK or the connection into a fault of `operation`, whose text never contains `secrets`. */
export function toFault(error: unknown, operation: string, secrets: readonly string[]): S3Fault {
  if (error instanceof S3Fault) return error;
  const known = know(error);
  const kind = kindOf(known);
  const where = [known.status === undefined ? "" : `HTTP ${known.status}`, idText(known.requestId)].filter(Boolean);
  const details = where.length > 0 ? ` (${where.join(", ")})` : "";
  const name = known.name === "Error" && known.code !== "" ? known.code : known.name;
  const text = `${operation}: ${name}${details}: ${firstLine(known.message)}${hint(kind, operation, known)}`;
  return new S3Fault(kind, known.status, hide(text, secrets));
}

function idText(requestId: string | undefined): string {
  return requestId === undefined ? "" : `request ${requestId}`;
}

function firstLine(message: string): string {
  return (message.split("\n")[0] ?? "").slice(0, 300);
}

function hide(text: string, secrets: readonly string[]): string {
  const hidden = secrets
    .filter((secret) => secret !== "")
    .reduce((one, secret) => one.replaceAll(secret, HIDDEN), text);
  return hidden.replace(/(signature|credential|security-token)=[^&\s]+/gi, `$1=${HIDDEN}`);
}

/** The permission that each call needs, by Amazon's names. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  GetObject: "s3:GetObject and s3:ListBucket (without the latter a missing object looks like this)",
  HeadObject: "s3:GetObject and s3:ListBucket (without the latter a missing object looks like this)",
  PutObject: "s3:PutObject, and s3:PutObjectAcl where objectacl isn't private",
  CopyObject: "s3:GetObject and s3:PutObject",
  UploadPartCopy: "s3:GetObject and s3:PutObject",
  CreateMultipartUpload: "s3:PutObject",
  UploadPart: "s3:PutObject",
  CompleteMultipartUpload: "s3:PutObject",
  AbortMultipartUpload: "s3:AbortMultipartUpload",
  DeleteObject: "s3:DeleteObject",
  DeleteObjects: "s3:DeleteObject",
  ListObjectsV2: "s3:ListBucket",
  HeadBucket: "s3:ListBucket",
  ListMultipartUploads: "s3:ListBucketMultipartUploads",
};

/** What to check in the configuration, for errors that are caused by it. */
const ADVICE: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch: "check that secretkey belongs to accesskey",
  InvalidAccessKeyId: "the service doesn't know these keys: check accesskey and regionendpoint",
  RequestTimeTooSkewed: "check this machine's clock",
  InvalidObjectState: "the object is archived, by a lifecycle rule perhaps: it has to be restored",
};

/** OpenSSL's messages for a service that answers a TLS handshake in plain HTTP. */
const NOT_TLS = /wrong version number|packet length too long|record layer failure|http request|unknown protocol/i;

function hint(kind: FaultKind, operation: string, { name, code, message, status }: Known): string {
  if (NOT_TLS.test(message) || code === "ERR_SSL_WRONG_VERSION_NUMBER") {
    return "; the endpoint speaks plain HTTP: begin regionendpoint with http://, or set secure: false where it has no scheme";
  }
  if (status === 301) return "; the bucket isn't at this endpoint: check region and regionendpoint";
  const permission = PERMISSIONS[operation];
  const advice = ADVICE[name];
  if (advice !== undefined) return `; ${advice}`;
  return kind === "access-denied" && permission !== undefined ? `; check that the keys allow ${permission}` : "";
}

const OBSTACLES: Readonly<Partial<Record<FaultKind, StorageObstacle>>> = {
  "access-denied": "denied",
  full: "full",
  quota: "quota",
};

/** Translates the failure of the driver call `operation` into an error of the contract (contract/driver.ts). */
export function toStorageError(error: unknown, operation: string, path: string): StorageError {
  if (isStorageError(error)) return error;
  if (isFault(error, "not-found")) return pathNotFound(NAME, path, error);
  return driverError(NAME, operation, path, error, error instanceof S3Fault ? OBSTACLES[error.kind] : undefined);
}

/** The storage is unavailable for some time. `wait` in milliseconds. */
export function unavailable(wait: number, cause: unknown): StorageError {
  const retryAfter = Math.max(1, Math.ceil(wait / 1000));
  return new StorageError({ code: "STORAGE_UNAVAILABLE", driver: NAME, retryAfter }, { cause });
}
