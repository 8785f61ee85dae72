import { parseBasic } from "@longshore/base/basic";
import type { AuthRequest } from "../access-controller.js";
import type { PasswordCredentials } from "./identity.js";

/** Control characters end a line in a log or in the password file; no account has one (RFC 7617 §2). */
const CONTROL = /\p{Cc}/u;

/** The longest SPIFFE ID, which a certificate may have as its URI. Names are bounded because the throttle remembers them. */
const MAX_ACCOUNT = 2048;

/** Whether `name` can name an account: not empty (which means anonymous), not too long, and without control characters. */
export function isAccountName(name: string): boolean {
  return name !== "" && name.length <= MAX_ACCOUNT && !CONTROL.test(name);
}

/** The first Authorization header, if there is one. */
function authorizationOf({ headers }: AuthRequest): string | undefined {
  const value = headers["authorization"];
  return typeof value === "string" ? value : value?.[0];
}

/**
 * The credentials of `Authorization: Basic …` (RFC 7617), in UTF-8: undefined if the request has no such header, `malformed`
 * if it can't be decoded. Whether the name is a possible account name is left to the caller.
 */
export function basicCredentials(request: AuthRequest): PasswordCredentials | "malformed" | undefined {
  const basic = parseBasic(authorizationOf(request));
  return typeof basic === "object" ? { account: basic.user, password: basic.password } : basic;
}
