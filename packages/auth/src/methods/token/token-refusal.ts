/** What was found in a token and what was expected, as flat fields of the log with values of limited length. */
export type RefusalDetails = Readonly<Record<string, string>>;

/** Why a token is refused. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
  /** RFC 6750 §3.1; undefined if Distribution's challenge has none (wire contract §4.4). */
  readonly error: "invalid_token" | undefined;
  readonly details: RefusalDetails;

  constructor(
    reason: string,
    error: "invalid_token" | undefined,
    options: { readonly cause?: unknown; readonly details?: RefusalDetails } = {},
  ) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.error = error;
    this.details = options.details ?? {};
  }
}

/** The token is malformed, untrusted, expired, or for another registry. */
export function invalidToken(reason: string, cause?: unknown): TokenRefused {
  return new TokenRefused(reason, "invalid_token", { cause });
}

/** Like {@link invalidToken}, with what was found and what was expected. */
export function unexpected(reason: string, details: RefusalDetails): TokenRefused {
  return new TokenRefused(reason, "invalid_token", { details });
}

/** Limits of a value in the log, which is chosen by the token's author. */
const MAX_LENGTH = 128;
const MAX_ITEMS = 8;

/** Shortens a string for the log. */
export function shown(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

/** Shortens a list of strings for the log, and says how many more there are. */
export function shownList(texts: Iterable<string>): string {
  const all = [...texts];
  const more = all.length > MAX_ITEMS ? [`and ${all.length - MAX_ITEMS} more`] : [];
  return [...all.slice(0, MAX_ITEMS).map(shown), ...more].join(", ");
}

/** Formats a time for the log; one that no date can express is written as the number. */
export function shownTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString();
}
