import type { Access } from "./contract.js";

/** Everything that access control refuses or fails at. */
export type AuthFault =
  /** No or wrong credentials, or too little in them: clients ask for a new token on 401, so this is never 403. */
  | {
      readonly code: "UNAUTHENTICATED";
      readonly challenge: string;
      readonly accesses: readonly Access[];
      readonly reason: string;
      /** Whether credentials were missing, wrong, or right and not enough; for the audit log. */
      readonly refusal?: "missing" | "rejected" | "insufficient" | undefined;
      /** Who it said it was, or is; for the audit log. */
      readonly account?: string | undefined;
    }
  /** Known, and not allowed, whatever credentials it brings. `detail` tells the client what it lacks. */
  | {
      readonly code: "DENIED";
      readonly reason: string;
      readonly account?: string | undefined;
      readonly detail?: string | undefined;
    }
  /** Too many failed attempts; `retryAfter` seconds to wait. */
  | {
      readonly code: "THROTTLED";
      readonly retryAfter: number;
      readonly reason: string;
      readonly account?: string | undefined;
    }
  /** A question for a token that can't be understood; the client may see `reason`. */
  | { readonly code: "INVALID_REQUEST"; readonly reason: string }
  /** The controller can't tell now: a key file is unreadable, a service is down. */
  | { readonly code: "UNAVAILABLE"; readonly reason: string }
  /** The configuration is wrong; `path` is the key below `auth`. */
  | { readonly code: "INVALID_OPTIONS"; readonly path: string; readonly reason: string };

/** The kind of an {@link AuthFault}. */
export type AuthErrorCode = AuthFault["code"];

/** The one error that this package throws on purpose. `reason` is for the log: clients see the challenge only. */
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

/** Whether `error` is an {@link AuthError}, of the kind `code` where one is given. */
export function isAuthError(error: unknown, code?: AuthErrorCode): error is AuthError {
  return error instanceof AuthError && (code === undefined || error.code === code);
}
