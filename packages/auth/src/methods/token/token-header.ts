import { z } from "zod";
import { isSigningAlgorithm, type SigningAlgorithm } from "../../keys/algorithms.js";
import { invalidToken, shown, unexpected } from "./token-refusal.js";

/** What a token's JOSE header says about its key (RFC 7515 §4.1). None of it is trusted yet. */
export interface TokenHeader {
  readonly alg: SigningAlgorithm;
  readonly kid?: string | undefined;
  readonly x5c?: readonly string[] | undefined;
  readonly jwk?: EmbeddedKey | undefined;
}

/** A key that is embedded in a token. */
export interface EmbeddedKey {
  readonly kid?: string | undefined;
  readonly x5c?: readonly string[] | undefined;
  /** All its members. */
  readonly members: unknown;
}

/** Longer tokens are refused without being parsed: no client needs a scope of that size. */
const MAX_TOKEN_LENGTH = 64 * 1024;

/** RFC 7515 §7.1: three parts of unpadded base64url, none of them empty (`none` has no signature). */
const COMPACT = /^([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const optionalText = z
  .string()
  .nullish()
  .transform((text) => (text === null || text === "" ? undefined : text));
const optionalChain = z
  .array(z.string())
  .nullish()
  .transform((chain) => chain ?? undefined);

const JWK = z.looseObject({ kid: optionalText, x5c: optionalChain });

const HEADER = z.object({
  alg: z.string(),
  kid: optionalText,
  x5c: optionalChain,
  jwk: JWK.nullish().transform((jwk) => jwk ?? undefined),
  crit: z.never("critical header parameters are not understood").optional(),
  b64: z.literal(true).optional(),
});

/** The token in an `Authorization` header; undefined if there is none (wire contract §4.4). */
export function bearerToken(authorization: string | readonly string[] | undefined): string | undefined {
  const line = typeof authorization === "string" ? authorization : authorization?.[0];
  if (line === undefined) return undefined;
  const space = line.indexOf(" ");
  if (space < 0 || line.slice(0, space).toLowerCase() !== "bearer") return undefined;
  return space + 1 === line.length ? undefined : line.slice(space + 1);
}

/** Parses the header of a compact JWS. Throws TokenRefused if it is malformed or its algorithm isn't in `allowed`. */
export function parseTokenHeader(token: string, allowed: readonly SigningAlgorithm[]): TokenHeader {
  if (token.length > MAX_TOKEN_LENGTH) throw invalidToken(`the token is longer than ${MAX_TOKEN_LENGTH} characters`);
  const [, encoded] = COMPACT.exec(token) ?? [];
  if (encoded === undefined) throw invalidToken("the token is not a compact JWS");
  const parsed = HEADER.safeParse(parseJson(Buffer.from(encoded, "base64url").toString("utf8")));
  if (!parsed.success) throw invalidToken(`the token's header: ${parsed.error.issues[0]?.message ?? "invalid"}`);
  const { alg, kid, x5c, jwk } = parsed.data;
  if (!isSigningAlgorithm(alg) || !allowed.includes(alg)) {
    const details = { "token.algorithm": shown(alg), "token.algorithm.expected": allowed.join(", ") };
    throw unexpected("the token's algorithm is not allowed", details);
  }
  return { alg, kid, x5c, jwk: jwk === undefined ? undefined : { kid: jwk.kid, x5c: jwk.x5c, members: jwk } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidToken("the token's header is not JSON");
  }
}
