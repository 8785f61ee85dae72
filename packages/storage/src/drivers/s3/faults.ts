import {
  BROKEN_CONNECTION,
  firstLine,
  kindOfStatus,
  NOT_TLS,
  secondsToWait,
  ServiceFault,
  withoutSecrets,
  type FaultKind,
} from "../objects/faults.js";

/** The driver's name in errors and metrics (wire contract §6.4). */
export const NAME = "s3aws";

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

/** What is known about an error of the SDK, which has no type. */
interface Known {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryable: boolean;
  /** How long the service asks to wait (ms). */
  readonly wait: number | undefined;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return value instanceof Object ? Object.fromEntries(Object.entries(value)) : {};
}

function know(error: unknown): Known {
  const fields = fieldsOf(error);
  const meta = fieldsOf(fields["$metadata"]);
  const status = meta["httpStatusCode"];
  const requestId = meta["requestId"];
  // The SDK hides it from whoever lists an error's fields.
  const answer: unknown = error instanceof Error ? Reflect.get(error, "$response") : undefined;
  return {
    name: error instanceof Error ? error.name : "unknown",
    message: error instanceof Error ? error.message : "",
    code: typeof fields["code"] === "string" ? fields["code"] : "",
    status: typeof status === "number" ? status : undefined,
    requestId: typeof requestId === "string" ? requestId : undefined,
    retryable: fields["$retryable"] !== undefined || meta["clockSkewCorrected"] === true,
    wait: secondsToWait(fieldsOf(fieldsOf(answer)["headers"])["retry-after"]),
  };
}

function kindOf({ name, code, status, retryable }: Known): FaultKind {
  // Services report a signature with the wrong time in various ways; the client has learnt the offset for the next one.
  const named = KINDS[name];
  if (retryable && named !== "throttled") return "transient";
  if (named !== undefined) return named;
  if (BROKEN_CONNECTION.has(code) || name === "TimeoutError") return "transient";
  return status === undefined ? "refused" : kindOfStatus(status);
}

/** Translates an error of the SDK or the connection into a fault of `operation`, whose text never contains `secrets`. */
export function toFault(error: unknown, operation: string, secrets: readonly string[]): ServiceFault {
  if (error instanceof ServiceFault) return error;
  const known = know(error);
  const kind = kindOf(known);
  const where = [known.status === undefined ? "" : `HTTP ${known.status}`, idText(known.requestId)].filter(Boolean);
  const details = where.length > 0 ? ` (${where.join(", ")})` : "";
  const name = known.name === "Error" && known.code !== "" ? known.code : known.name;
  const text = `${operation}: ${name}${details}: ${firstLine(known.message)}${hint(kind, operation, known)}`;
  return new ServiceFault(kind, known.status, withoutSecrets(text, secrets), known.wait);
}

function idText(requestId: string | undefined): string {
  return requestId === undefined ? "" : `request ${requestId}`;
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
