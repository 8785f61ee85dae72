/** A user and a password as `Authorization: Basic` carries them. */
export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

const BASIC = /^basic +([A-Za-z0-9+/]*={0,2})$/i;

/**
 * Parses `Basic …` (RFC 7617) as UTF-8: undefined for no header or another scheme, `malformed` for Basic that can't be
 * decoded.
 */
export function parseBasic(header: string | undefined): BasicCredentials | "malformed" | undefined {
  if (header === undefined || !/^basic(?: |$)/i.test(header)) return undefined;
  const encoded = BASIC.exec(header.trimEnd())?.[1];
  if (encoded === undefined || encoded.length % 4 !== 0) return "malformed";
  const text = decodeUtf8(Buffer.from(encoded, "base64"));
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) return "malformed";
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The value of `Authorization` for `credentials` (RFC 7617). */
export function formatBasic({ user, password }: BasicCredentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
