import { isAuthError, type AuthError } from "@longshore/auth";
import { isStorageError, type StorageFault } from "@longshore/storage";
import { ApiError, BodyTimeout, ClientGone } from "./api-error.js";
import { ERROR_CODES, type ErrorCode } from "./codes.js";
import type { WireError, WireFailure } from "./wire-error.js";

/** nginx's number for a client that closed the connection, as the original logs it (contract §1.6). */
export const CLIENT_CLOSED_REQUEST = 499;

/** Seconds after which a client may ask again. */
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

/** Faults of a driver, which no client can mend. */
type DriverFault = Extract<StorageFault, { readonly driver: string }>;

function translateDriver(fault: DriverFault, text: string): WireFailure {
  if (fault.code !== "STORAGE_UNAVAILABLE") return failure("UNKNOWN", text);
  return failure("UNAVAILABLE", text, { headers: { "Retry-After": String(Math.max(1, Math.ceil(fault.retryAfter))) } });
}

/** Where each other fault of the storage stands on the wire. `text` is the error's message, which is safe to show. */
function translateFault(fault: Exclude<StorageFault, DriverFault>, text: string): WireFailure {
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
    case "MANIFEST_INVALID":
      return failure("MANIFEST_INVALID", text);
    case "MANIFEST_REFERENCES_UNKNOWN":
      return referencesUnknown(fault.digests);
    case "MANIFEST_CLASS_DENIED":
      return failure("DENIED", undefined, { errors: [wireError("DENIED", undefined, text)] });
  }
}

function translateAuth({ fault }: AuthError): WireFailure {
  switch (fault.code) {
    case "UNAUTHENTICATED": {
      // Go marshals an empty slice of accesses that was never made as null (contract §2).
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
    case "UNAVAILABLE":
    case "INVALID_OPTIONS":
      return failure("UNAVAILABLE", "access control is not available; see the log");
  }
}

function translateApi({ code, options }: ApiError): WireFailure {
  const errors: WireFailure["errors"] = [wireError(code, options.detail, options.message)];
  return { status: options.status ?? ERROR_CODES[code].status, errors, headers: options.headers ?? {}, close: false };
}

/** The answer to whatever was thrown. What isn't known becomes a 500 that tells nothing: the log has the cause. */
export function translate(error: unknown): WireFailure {
  if (isStorageError(error)) {
    const { fault, message } = error;
    return "driver" in fault ? translateDriver(fault, message) : translateFault(fault, message);
  }
  if (error instanceof ApiError) return translateApi(error);
  if (isAuthError(error)) return translateAuth(error);
  if (error instanceof ClientGone)
    return failure("UNKNOWN", error.message, { status: CLIENT_CLOSED_REQUEST, close: true });
  if (error instanceof BodyTimeout) return failure("SIZE_INVALID", error.message, { status: 408, close: true });
  return failure("UNKNOWN");
}
