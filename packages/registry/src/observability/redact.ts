/** Stands where a secret stood. */
const REDACTED = "redacted";

const SECRET_NAME =
  /authorization|passw(?:or)?d|secret|token|credential|cookie|signature|private.?key|api.?key|access.?key|^_state$/i;

const PATTERNS: readonly (readonly [probe: string, pattern: RegExp, replacement: string])[] = [
  // user:password@ of any URL, e.g. of an upstream or a redis address
  ["://", /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'@]+@/gi, `$1${REDACTED}@`],
  // credentials as they stand in headers
  ["b", /\b(bearer|basic)(\s+)[a-z0-9._~+/=-]{4,}/gi, `$1$2${REDACTED}`],
  // secrets in queries: the upload state's HMAC, tokens, presigned storage addresses
  [
    "=",
    /([?&;\s"'](?:_state|[a-z0-9_.-]*(?:token|secret|passw(?:or)?d|signature|credential|accesskeyid))=)[^&;\s"']+/gi,
    `$1${REDACTED}`,
  ],
];

/** Takes secrets out of free text: userinfo in URLs, credentials, secret query parameters. */
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

/** A shorter secret is a part of ordinary words: taken out of those as well, it makes lines that nobody can read. */
const SHORTEST_INSIDE_WORDS = 8;

function redactLiteral(text: string, literal: string): string {
  if (literal.length >= SHORTEST_INSIDE_WORDS) return text.replaceAll(literal, REDACTED);
  const exact = literal.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${exact}(?![\\p{L}\\p{N}])`, "gu"), REDACTED);
}

/**
 * A request target fit for a log. Cheap where there is no query, which is nearly always: it runs for every request.
 * A target in absolute form (`http://user:password@host/…`) loses its userinfo.
 */
export function redactTarget(target: string): string {
  if (!target.includes("?")) return target.startsWith("/") ? target : redactText(target);
  return redactText(target);
}

/**
 * A copy of a log record without secrets: values under a telling name go whole, texts are searched. Bounded in depth, so
 * that a record that refers to itself ends.
 */
export function redactRecord(
  record: Readonly<Record<string, unknown>>,
  literals: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, redactValue(key, value, literals, 0)]));
}

function redactValue(key: string, value: unknown, literals: readonly string[], depth: number): unknown {
  if (SECRET_NAME.test(key) && value !== undefined && value !== null && typeof value !== "boolean") return REDACTED;
  if (typeof value === "string") return redactText(value, literals);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= 4) return REDACTED;
  if (Array.isArray(value)) return value.map((item: unknown) => redactValue("", item, literals, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, redactValue(name, item, literals, depth + 1)]),
  );
}
