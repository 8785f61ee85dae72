import { RestError } from "@azure/storage-blob";
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

/** The driver's name in errors and metrics (wire contract §6.6). */
export const NAME = "azure";

const KINDS: Readonly<Record<string, FaultKind>> = {
  BlobNotFound: "not-found",
  ContainerNotFound: "refused",
  ContainerBeingDeleted: "transient",
  ContainerDisabled: "refused",
  InvalidBlockList: "no-upload",
  InvalidBlobType: "wrong-type",
  BlobAlreadyExists: "precondition",
  ConditionNotMet: "precondition",
  SourceConditionNotMet: "precondition",
  InvalidRange: "range",
  AuthenticationFailed: "access-denied",
  AuthorizationFailure: "access-denied",
  AuthorizationPermissionMismatch: "access-denied",
  AuthorizationProtocolMismatch: "access-denied",
  AuthorizationSourceIPMismatch: "access-denied",
  InsufficientAccountPermissions: "access-denied",
  KeyBasedAuthenticationNotPermitted: "access-denied",
  InvalidAuthenticationInfo: "access-denied",
  NoAuthenticationInformation: "access-denied",
  AccountIsDisabled: "access-denied",
  BlobArchived: "refused",
  BlobImmutableDueToPolicy: "refused",
  LeaseIdMissing: "refused",
  LeaseAlreadyPresent: "refused",
  NotImplemented: "not-implemented",
  APINotImplemented: "not-implemented",
  UnsupportedHeader: "not-implemented",
  ServerBusy: "throttled",
  TooManyRequests: "throttled",
  OperationTimedOut: "transient",
  InternalError: "transient",
  // The body was damaged or cut short on its way.
  Md5Mismatch: "transient",
  Crc64Mismatch: "transient",
  IncompleteBody: "transient",
  REQUEST_SEND_ERROR: "transient",
  PARSE_ERROR: "transient",
  // The library's name for a connection that broke in the middle of a body. What callers abort is theirs alone.
  AbortError: "transient",
};

/** What to check in the configuration, for errors that are caused by it. */
const ADVICE: Readonly<Record<string, string>> = {
  ContainerNotFound: "create the container, or check the container and accountname parameters",
  AuthenticationFailed: "check that accountkey is a key of accountname, and this machine's clock",
  AuthorizationFailure: "check the account's firewall, and that the credentials may use the container",
  AuthorizationPermissionMismatch:
    "give the identity the role Storage Blob Data Contributor on the container or the account",
  KeyBasedAuthenticationNotPermitted: "the account refuses keys: set credentials.type",
  AccountIsDisabled: "the storage account is disabled",
  BlobArchived: "the blob is in the archive tier, because of a lifecycle rule perhaps: it has to be rehydrated",
  LeaseIdMissing: "someone holds a lease on the blob: break it",
  BlobImmutableDueToPolicy: "the container has an immutability policy, with which a registry can't work",
};

/** What is known about an error of the libraries. */
interface Known {
  readonly code: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** How long the service asks to wait (ms). */
  readonly wait: number | undefined;
}

function know(error: unknown): Known {
  const message = error instanceof Error ? error.message : "";
  const nothing = { message, status: undefined, requestId: undefined, wait: undefined };
  if (!(error instanceof RestError)) return { ...nothing, code: codeOf(error) };
  const headers = error.response?.headers;
  return {
    // The answer to HEAD has no body.
    code: headers?.get("x-ms-error-code") ?? error.code ?? "",
    message,
    status: error.statusCode,
    requestId: headers?.get("x-ms-request-id"),
    wait: secondsToWait(headers?.get("retry-after")),
  };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** The library's message for a body that ends too early. */
const TOO_SHORT = "Data corruption failure";

/** Errors of the library that gets tokens. */
const LOGIN_ERRORS = /^(?:.*Authentication.*Error|CredentialUnavailableError)$/;

function kindOf(error: unknown, { code, message, status }: Known): FaultKind {
  // The source of a copy: the status is that of the source.
  const named = code === "CannotVerifyCopySource" ? undefined : KINDS[code];
  if (named !== undefined) return named;
  if (BROKEN_CONNECTION.has(code) || message.startsWith(TOO_SHORT)) return "transient";
  if (error instanceof Error && LOGIN_ERRORS.test(error.name)) return isOutage(error) ? "transient" : "access-denied";
  return status === undefined ? "refused" : kindOfStatus(status);
}

/** Whether the service of tokens didn't answer, which says nothing about the credentials. */
function isOutage(error: Error): boolean {
  return "statusCode" in error && typeof error.statusCode === "number" && error.statusCode >= 500;
}

/** Translates an error of the libraries or the connection into a fault of `operation`, whose text never contains `secrets`. */
export function toFault(error: unknown, operation: string, secrets: readonly string[]): ServiceFault {
  if (error instanceof ServiceFault) return error;
  const known = know(error);
  const kind = kindOf(error, known);
  const { code, status, requestId, wait } = known;
  const where = [status === undefined ? "" : `HTTP ${status}`, requestId === undefined ? "" : `request ${requestId}`];
  const details = where.some((part) => part !== "") ? ` (${where.filter((part) => part !== "").join(", ")})` : "";
  const text = `${operation}: ${code}${details}: ${firstLine(known.message)}${hint(error, known)}`;
  return new ServiceFault(kind, status, withoutSecrets(text, secrets), wait);
}

function hint(error: unknown, { code, message }: Known): string {
  if (NOT_TLS.test(message)) return "; the endpoint speaks plain HTTP: begin serviceurl with http://";
  const advice = ADVICE[code];
  if (advice !== undefined) return `; ${advice}`;
  const isLogin = error instanceof Error && LOGIN_ERRORS.test(error.name);
  return isLogin ? "; no token: check credentials, and that this machine can reach the directory" : "";
}
