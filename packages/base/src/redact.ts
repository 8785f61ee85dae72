import { escapeRegExp } from "./regexp.js";

/** Replaces a secret. */
const REDACTED = "redacted";

const SECRET_NAME =
  /authorization|passw(?:or)?d|secret|token|credential|cookie|signature|private.?key|api.?key|access.?key|^_state$/i;

/** What tokens are refused for: not the token, and what explains the refusal to an operator. */
const TOKEN_PROPERTY = /^token\.(?:issuer|audience|keyid|notbefore|expires|now)(?:\.expected)?$/;

const PATTERNS: readonly (readonly [probe: string, pattern: RegExp, replacement: string])[] = [
  // user:password@ of any URL, e.g. of an upstream or a redis address
  ["://", /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"']+@/gi, `$1${REDACTED}@`],
  // credentials as they appear in headers
  ["b", /\b(bearer|basic)(\s+)[a-z0-9._~+/=-]{4,}/gi, `$1$2${REDACTED}`],
  // secrets in queries: the upload state's HMAC, tokens (that a client wants one is none), presigned storage addresses
  [
    "=",
    /([?&;\s"'](?!offline_token=(?:true|false)(?![^&;\s"']))(?:_state|[a-z0-9_.-]*(?:token|secret|passw(?:or)?d|signature|credential|accesskeyid))=)[^&;\s"']+/gi,
    `$1${REDACTED}`,
  ],
  // a provider's answer to a login, in the query of a target: authorization codes and states
  ["=", /([?&](?:[a-z0-9_.-]+_)?(?:code|state)=)[^&#\s"']+/gi, `$1${REDACTED}`],
  // tokens by their own look, also where people write them by mistake, such as in place of a user name
  ["ls", /\bls(?:pat|r)_[A-Za-z0-9_.-]{8,}/g, REDACTED],
  ["eyJ", /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3}/g, REDACTED],
];

/** Removes secrets from free text: userinfo in URLs, credentials, secret query parameters. */
export function redactText(text: string, literals: readonly string[] = []): string {
  let clean = text;
  for (const literal of literals) {
    if (literal !== "" && clean.includes(literal)) clean = redactLiteral(clean, literal);
  }
  for (const [probe, pattern, replacement] of PATTERNS) {
    if (probe === "b" || clean.includes(probe)) clean = clean.replace(pattern, replacement);
  }
  return clean;
}

/** A shorter secret occurs within ordinary words: removing it there as well would make lines unreadable. */
const SHORTEST_INSIDE_WORDS = 8;

function redactLiteral(text: string, literal: string): string {
  if (literal.length >= SHORTEST_INSIDE_WORDS) return text.replaceAll(literal, REDACTED);
  const exact = escapeRegExp(literal);
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${exact}(?![\\p{L}\\p{N}])`, "gu"), REDACTED);
}

/**
 * A request target without secrets, for logs. Cheap without a query, which is nearly always the case: it runs for every request.
 * A target in absolute form (`http://user:password@host/…`) loses its userinfo.
 */
export function redactTarget(target: string): string {
  if (!target.includes("?")) return target.startsWith("/") ? target : redactText(target);
  return redactText(target);
}

/**
 * A copy of a log record without secrets, of values that JSON has: values under a telling name are replaced whole, strings are
 * searched. Bounded in depth, so that a record that refers to itself terminates.
 */
export function redactRecord(
  record: Readonly<Record<string, unknown>>,
  literals: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, redactValue(key, value, literals, 0)]));
}

function redactValue(key: string, value: unknown, literals: readonly string[], depth: number): unknown {
  const isSecret = SECRET_NAME.test(key) && !TOKEN_PROPERTY.test(key);
  if (isSecret && value !== undefined && value !== null && typeof value !== "boolean") return REDACTED;
  if (typeof value === "string") return redactText(value, literals);
  // JSON has no such values, and a log line must not fail because of one.
  if (typeof value === "bigint") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= 4) return REDACTED;
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const shown: unknown = Reflect.apply(value.toJSON, value, []);
    return redactValue(key, shown, literals, depth + 1);
  }
  if (Array.isArray(value)) return value.map((item: unknown) => redactValue("", item, literals, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, redactValue(name, item, literals, depth + 1)]),
  );
}
