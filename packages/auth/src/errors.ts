import type { Access, Decided } from "./access-controller.js";

/** Every reason for which access control refuses a request or fails. */
export type AuthFault =
  /** Missing, wrong or insufficient credentials. Clients ask for a new token on 401 only, so this never becomes a 403. */
  | {
      readonly code: "UNAUTHENTICATED";
      readonly challenge: string;
      readonly accesses: readonly Access[];
      readonly reason: string;
      /** Whether credentials were missing, wrong, or valid but insufficient; for the audit log. */
      readonly refusal?: "missing" | "rejected" | "insufficient" | undefined;
      /** The account, as claimed or as verified; for the audit log. */
      readonly account?: string | undefined;
      /** The source that refused the credentials; for the audit log. */
      readonly source?: string | undefined;
      /** What was found and what was expected, as fields of the log; never part of the response. */
      readonly details?: Readonly<Record<string, string>> | undefined;
    }
  /** The client is identified, and no other credentials would help. `detail` tells it which permissions it lacks. */
  | {
      readonly code: "DENIED";
      readonly reason: string;
      readonly account?: string | undefined;
      readonly detail?: string | undefined;
      /** For the audit log. */
      readonly decided?: Decided | undefined;
    }
  /** Too many failed attempts; retry after `retryAfter` seconds. */
  | {
      readonly code: "THROTTLED";
      readonly retryAfter: number;
      readonly reason: string;
      readonly account?: string | undefined;
    }
  /** A malformed request for a token; the client may see `reason`. */
  | { readonly code: "INVALID_REQUEST"; readonly reason: string }
  /** A grant that OAuth 2 refuses with a code of its own (RFC 6749 §5.2, RFC 8628 §3.5); the client may see both. */
  | { readonly code: "GRANT_REFUSED"; readonly error: string; readonly reason: string }
  /** The controller can't decide now: a key file is unreadable, or a service is down. */
  | { readonly code: "UNAVAILABLE"; readonly reason: string }
  /** The configuration is wrong; `path` is the key below `auth`. */
  | { readonly code: "INVALID_OPTIONS"; readonly path: string; readonly reason: string };

/** The kind of an {@link AuthFault}. */
export type AuthErrorCode = AuthFault["code"];

/** The only error that this package throws on purpose. `reason` is for the log; clients only see the challenge. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  readonly fault: AuthFault;

  constructor(fault: AuthFault, options?: { cause?: unknown }) {
    super(fault.code === "INVALID_OPTIONS" ? `${fault.path}: ${fault.reason}` : fault.reason, options);
    this.fault = fault;
  }

  get code(): AuthErrorCode {
    return this.fault.code;
  }
}

/** Whether `error` is an {@link AuthError}, with this `code` if one is given. */
export function isAuthError(error: unknown, code?: AuthErrorCode): error is AuthError {
  return error instanceof AuthError && (code === undefined || error.code === code);
}
