import type { AuthRequest } from "../contract.js";
import type { PasswordCredentials } from "./contract.js";

const BASIC = /^basic +([A-Za-z0-9+/]*={0,2})$/i;

/** Control characters end a line of a log or of the password file; no account has one (RFC 7617 §2). */
const CONTROL = /\p{Cc}/u;

/** The longest that a SPIFFE id is, in a certificate's URI; what counts failures remembers names. */
const MAX_ACCOUNT = 2048;

/** Whether `name` can be an account's: not empty, which means anonymous, not endless, and without control characters. */
export function isAccountName(name: string): boolean {
  return name !== "" && name.length <= MAX_ACCOUNT && !CONTROL.test(name);
}

/** The one Authorization header, if there is one. */
function authorizationOf({ headers }: AuthRequest): string | undefined {
  const value = headers["authorization"];
  return typeof value === "string" ? value : value?.[0];
}

/**
 * The credentials of `Authorization: Basic …` (RFC 7617), in UTF-8: undefined where the request has no such header,
 * `malformed` where it has one that can't be read. Whether an account can have such a name is for the caller to say.
 */
export function basicCredentials(request: AuthRequest): PasswordCredentials | "malformed" | undefined {
  const header = authorizationOf(request);
  if (header === undefined || !/^basic(?: |$)/i.test(header)) return undefined;
  const encoded = BASIC.exec(header.trimEnd())?.[1];
  if (encoded === undefined || encoded.length % 4 !== 0) return "malformed";
  const text = decodeUtf8(Buffer.from(encoded, "base64"));
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) return "malformed";
  return { account: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
