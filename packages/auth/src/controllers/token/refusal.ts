/** Why a token isn't taken. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
  /** RFC 6750 §3.1; undefined where the original's challenge has none (contract §4.4). */
  readonly error: "invalid_token" | undefined;

  constructor(reason: string, error: "invalid_token" | undefined, options?: { cause?: unknown }) {
    super(reason, options);
    this.error = error;
  }
}

/** A token that is malformed, untrusted, or not for us or for now. */
export function invalidToken(reason: string, cause?: unknown): TokenRefused {
  return new TokenRefused(reason, "invalid_token", cause === undefined ? undefined : { cause });
}
