import { isAuthError, type AuthError } from "@longshore/auth";
import { isUpstreamError, NotMirroredError, type UpstreamError } from "@longshore/mirror/configuration";
import { isStorageError, type StorageFault } from "@longshore/storage";
import { ApiError, BodyTimeout, ClientGone } from "./api-error.js";
import { ERROR_CODES, type ErrorCode } from "./codes.js";
import type { WireError, WireFailure } from "./wire-error.js";

/** nginx's status for a client that closed the connection, which Distribution logs too (wire contract §1.6). */
export const CLIENT_CLOSED_REQUEST = 499;

/** Seconds after which a client may try again. */
const RETRY_AFTER = "60";

function wireError(code: ErrorCode, detail?: unknown, message: string = ERROR_CODES[code].message): WireError {
  return { code, message, detail };
}

function failure(code: ErrorCode, detail?: unknown, rest: Partial<WireFailure> = {}): WireFailure {
  return { status: ERROR_CODES[code].status, errors: [wireError(code, detail)], headers: {}, close: false, ...rest };
}

/** One MANIFEST_BLOB_UNKNOWN for each digest (distribution-spec §Push). */
function referencesUnknown(digests: readonly string[]): WireFailure {
  const [first, ...others] = digests.map((digest) => wireError("MANIFEST_BLOB_UNKNOWN", digest));
  const errors: WireFailure["errors"] = [first ?? wireError("MANIFEST_BLOB_UNKNOWN"), ...others];
  return { ...failure("MANIFEST_BLOB_UNKNOWN"), errors };
}

/** Faults of a driver, which no client can fix. */
type DriverFault = Extract<StorageFault, { readonly driver: string }>;

function translateDriver(fault: DriverFault, text: string): WireFailure {
  if (fault.code === "DRIVER_ERROR" && fault.obstacle === "name-too-long") return failure("NAME_INVALID", text);
  // RFC 4918 §11.5: 507 for a full storage. No Retry-After, because it lasts until a person does something about it.
  if (fault.code === "DRIVER_ERROR" && fault.obstacle !== undefined) {
    const isFull = fault.obstacle === "full" || fault.obstacle === "quota";
    return failure("UNAVAILABLE", text, isFull ? { status: 507 } : {});
  }
  if (fault.code !== "STORAGE_UNAVAILABLE") return failure("UNKNOWN", text);
  return failure("UNAVAILABLE", text, { headers: { "Retry-After": String(Math.max(1, Math.ceil(fault.retryAfter))) } });
}

/** What a policy refuses, in its own words. */
type PolicyFault = Extract<StorageFault, { readonly code: "MANIFEST_CLASS_DENIED" | "TAG_IMMUTABLE" }>;

/** The response to every other storage fault. `text` is the error's message, which is safe to show. */
function translateFault(fault: Exclude<StorageFault, DriverFault | PolicyFault>, text: string): WireFailure {
  switch (fault.code) {
    case "UNSUPPORTED":
      return failure("UNSUPPORTED");
    case "DIGEST_INVALID":
    case "DIGEST_MISMATCH":
      return failure("DIGEST_INVALID", text);
    case "NAME_INVALID":
      return failure("NAME_INVALID", text);
    case "NAME_UNKNOWN":
      return failure("NAME_UNKNOWN", { name: fault.name });
    case "TAG_INVALID":
      return failure("TAG_INVALID", text);
    case "TAG_UNKNOWN":
    case "MANIFEST_UNKNOWN":
      return failure("MANIFEST_UNKNOWN", text);
    case "BLOB_UNKNOWN":
      return failure("BLOB_UNKNOWN", fault.digest);
    case "UPLOAD_UNKNOWN":
      return failure("BLOB_UPLOAD_UNKNOWN", text);
    case "UPLOAD_OFFSET_INVALID":
    case "UPLOAD_TAKEN_OVER":
      return failure("RANGE_INVALID", text);
    case "UPLOAD_SIZE_INVALID":
      return failure("SIZE_INVALID", text);
    case "TOO_MANY_UPLOADS":
      return failure("TOOMANYREQUESTS", text, { headers: { "Retry-After": RETRY_AFTER } });
    case "TAG_CONTENDED":
    case "MANIFEST_CONTENDED":
      return failure("UNAVAILABLE", text, { headers: { "Retry-After": RETRY_AFTER } });
    case "MANIFEST_INVALID":
      return failure("MANIFEST_INVALID", text);
    case "MANIFEST_REFERENCES_UNKNOWN":
      return referencesUnknown(fault.digests);
  }
}

function translateAuth({ fault }: AuthError): WireFailure {
  switch (fault.code) {
    case "UNAUTHENTICATED": {
      // Go marshals a nil slice of accesses as null (wire contract §2).
      const accesses = fault.accesses.map(({ type, class: resourceClass, name, action }) => ({
        Type: type,
        Class: resourceClass ?? "",
        Name: name,
        Action: action,
      }));
      const detail = accesses.length === 0 ? null : accesses;
      return failure("UNAUTHORIZED", detail, { headers: { "WWW-Authenticate": fault.challenge } });
    }
    case "DENIED":
      return failure("DENIED", fault.detail);
    case "THROTTLED":
      return failure("TOOMANYREQUESTS", undefined, {
        headers: { "Retry-After": String(Math.max(1, Math.ceil(fault.retryAfter))) },
      });
    case "INVALID_REQUEST":
      return failure("UNSUPPORTED", fault.reason, { status: 400 });
    case "GRANT_REFUSED":
      return failure("UNSUPPORTED", fault.reason, {
        status: 400,
        beside: { error: fault.error, error_description: fault.reason },
      });
    case "UNAVAILABLE":
    case "INVALID_OPTIONS":
      return failure("UNAVAILABLE", "access control is not available; see the log");
  }
}

/**
 * Where the fault of an upstream stands on the wire. 404 says that something isn't there: clients that have other mirrors then
 * leave it out for good; everything else sends them on for now.
 */
function translateUpstream({ fault, message }: UpstreamError): WireFailure {
  switch (fault.code) {
    case "NOT_FOUND":
      return failure("NAME_UNKNOWN", message);
    case "DENIED":
      return failure("DENIED", message);
    case "RATE_LIMITED":
      return failure("TOOMANYREQUESTS", message, { headers: retryAfter(fault.retryAfter) });
    case "UNAVAILABLE":
      return failure("UNAVAILABLE", message, { headers: retryAfter(fault.retryAfter) });
    case "INVALID_ANSWER":
    case "REFUSED":
    case "NO_CREDENTIALS":
      return failure("UNAVAILABLE", message, { status: 502 });
    case "UNSUPPORTED":
      return failure("UNSUPPORTED", message);
  }
}

function retryAfter(seconds: number): { "Retry-After": string } {
  return { "Retry-After": String(Math.max(1, Math.ceil(seconds))) };
}

function translateApi({ code, options }: ApiError): WireFailure {
  const errors: WireFailure["errors"] = [wireError(code, options.detail, options.message)];
  return { status: options.status ?? ERROR_CODES[code].status, errors, headers: options.headers ?? {}, close: false };
}

/** The response to any thrown error. An unknown error becomes a 500 without details: those are in the log. */
export function translate(error: unknown): WireFailure {
  if (isStorageError(error)) {
    const { fault, message } = error;
    if (fault.code === "MANIFEST_CLASS_DENIED" || fault.code === "TAG_IMMUTABLE")
      return failure("DENIED", undefined, { errors: [wireError("DENIED", undefined, message)] });
    return "driver" in fault ? translateDriver(fault, message) : translateFault(fault, message);
  }
  if (isUpstreamError(error)) return translateUpstream(error);
  if (error instanceof NotMirroredError) return failure("DENIED", error.message);
  if (error instanceof ApiError) return translateApi(error);
  if (isAuthError(error)) return translateAuth(error);
  if (error instanceof ClientGone)
    return failure("UNKNOWN", error.message, { status: CLIENT_CLOSED_REQUEST, close: true });
  if (error instanceof BodyTimeout) return failure("SIZE_INVALID", error.message, { status: 408, close: true });
  return failure("UNKNOWN");
}
