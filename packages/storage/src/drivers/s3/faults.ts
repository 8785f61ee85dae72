import { isStorageError, StorageError } from "../../errors.js";
import { driverError, pathNotFound } from "../errors.js";

/** The driver's name in errors and metrics (contract §6.4). */
export const NAME = "s3aws";

/** What a failed call says. */
export type FaultKind =
  /** Nothing has this key. */
  | "not-found"
  /** No such multipart upload, or not any more. */
  | "no-upload"
  /** A condition of the request doesn't hold. */
  | "precondition"
  /** A range outside the object. */
  | "range"
  | "access-denied"
  /** The service has no such operation or header. */
  | "not-implemented"
  /** Too many requests for the moment. */
  | "throttled"
  /** It may work the next time. */
  | "transient"
  /** No answer tells more than the next one will. */
  | "refused";

/** A call to S3 that failed. The message has nothing secret: neither keys nor signatures. */
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
  // The client has learnt the clock's offset from the answer: the next signature has the right time.
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
};

/** The system's words for a connection that didn't come about or broke. */
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

/** What is known of an error that the SDK throws: it comes without a type. */
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
  // A signature of the wrong time is refused in many words; with the clock's offset learnt the next one is right.
  const named = KINDS[name];
  if (retryable && named !== "throttled") return "transient";
  if (named !== undefined) return named;
  if (BROKEN.has(code) || name === "TimeoutError") return "transient";
  if (status === undefined) return "refused";
  // The bucket is elsewhere, and will be the next time.
  if (status === 301) return "refused";
  // An answer that can't be read was cut short, or isn't the storage's.
  if (status < 400) return "transient";
  return STATUSES[status] ?? (status >= 500 ? "transient" : "refused");
}

/** What stands in for a secret that a message would have. */
const HIDDEN = "[hidden]";

/** An error of the SDK or the connection as a fault of `operation`; `secrets` never get into its text. */
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

/** What to look at in the configuration, for answers that are about it. */
const ADVICE: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch: "check that secretkey belongs to accesskey",
  InvalidAccessKeyId: "the service doesn't know these keys: check accesskey and regionendpoint",
  RequestTimeTooSkewed: "check this machine's clock",
  InvalidObjectState: "the object is archived, by a lifecycle rule perhaps: it has to be restored",
};

function hint(kind: FaultKind, operation: string, { name, status }: Known): string {
  if (status === 301) return "; the bucket isn't at this endpoint: check region and regionendpoint";
  const permission = PERMISSIONS[operation];
  const advice = ADVICE[name];
  if (advice !== undefined) return `; ${advice}`;
  return kind === "access-denied" && permission !== undefined ? `; check that the keys allow ${permission}` : "";
}

/** What made the driver call `operation` fail, as the contract has it (contract/driver.ts). */
export function toStorageError(error: unknown, operation: string, path: string): StorageError {
  if (isStorageError(error)) return error;
  return isFault(error, "not-found") ? pathNotFound(NAME, path, error) : driverError(NAME, operation, path, error);
}

/** Nothing can be had from the storage for some time. `wait` in milliseconds. */
export function unavailable(wait: number, cause: unknown): StorageError {
  const retryAfter = Math.max(1, Math.ceil(wait / 1000));
  return new StorageError({ code: "STORAGE_UNAVAILABLE", driver: NAME, retryAfter }, { cause });
}
