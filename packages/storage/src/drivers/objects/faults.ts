import { SECOND } from "@longshore/base/duration";
import { isStorageError, StorageError, type StorageObstacle } from "../../errors.js";
import { driverError, pathNotFound } from "../shared/errors.js";

/** Why a call failed. */
export type FaultKind =
  /** There is no object with this key. */
  | "not-found"
  /** The unfinished upload, or a part of it, doesn't exist, or no longer. */
  | "no-upload"
  /** A condition of the request isn't met. */
  | "precondition"
  /** A range outside the object. */
  | "range"
  /** An object of another type is there, which this call can't replace. */
  | "wrong-type"
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

/** A failed call to a service. The message contains no secrets: neither keys nor signatures. */
export class ServiceFault extends Error {
  override readonly name = "ServiceFault";
  readonly kind: FaultKind;
  readonly status: number | undefined;
  /** How long the service asks to wait (ms). */
  readonly wait: number | undefined;

  constructor(kind: FaultKind, status: number | undefined, message: string, wait?: number) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.wait = wait;
  }
}

/** Whether `error` is a {@link ServiceFault} of one of `kinds`. */
export function isFault(error: unknown, ...kinds: readonly FaultKind[]): error is ServiceFault {
  return error instanceof ServiceFault && kinds.includes(error.kind);
}

/** The system's errors for a connection that failed or broke. */
export const BROKEN_CONNECTION: ReadonlySet<string> = new Set([
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

/** What an HTTP status means where the service says nothing more exact. */
export function kindOfStatus(status: number): FaultKind {
  return STATUSES[status] ?? (status >= 500 || status < 400 ? "transient" : "refused");
}

const STATUSES: Readonly<Record<number, FaultKind>> = {
  // The resource is elsewhere, and retries won't change that.
  301: "refused",
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

/** How long a `Retry-After` in seconds asks to wait (ms); its other form, a date, isn't used by these services. */
export function secondsToWait(header: unknown): number | undefined {
  return typeof header === "string" && /^\d{1,6}$/.test(header) ? Number(header) * SECOND : undefined;
}

/** Replaces secrets in messages. */
const HIDDEN = "[hidden]";

/** The first line of a service's message, without `secrets` and signatures. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const hidden = secrets
    .filter((secret) => secret !== "")
    .reduce((one, secret) => one.replaceAll(secret, HIDDEN), text);
  return hidden.replace(/\b(signature|credential|security-token|sig)=[^&\s]+/gi, `$1=${HIDDEN}`);
}

export function firstLine(message: string): string {
  return (message.split("\n")[0] ?? "").slice(0, 300);
}

/** OpenSSL's messages for a service that answers a TLS handshake in plain HTTP. */
export const NOT_TLS =
  /wrong version number|packet length too long|record layer failure|http request|unknown protocol/i;

const OBSTACLES: Readonly<Partial<Record<FaultKind, StorageObstacle>>> = {
  "access-denied": "denied",
  full: "full",
  quota: "quota",
};

/** Translates the failure of the call `operation` of the driver `name` into an error of the contract (contract/driver.ts). */
export function toStorageError(name: string, error: unknown, operation: string, path: string): StorageError {
  if (isStorageError(error)) return error;
  if (isFault(error, "not-found")) return pathNotFound(name, path, error);
  return driverError(name, operation, path, error, error instanceof ServiceFault ? OBSTACLES[error.kind] : undefined);
}

/** The storage of the driver `name` is unavailable for some time. `wait` in milliseconds. */
export function unavailable(name: string, wait: number, cause: unknown): StorageError {
  const retryAfter = Math.max(1, Math.ceil(wait / 1000));
  return new StorageError({ code: "STORAGE_UNAVAILABLE", driver: name, retryAfter }, { cause });
}
