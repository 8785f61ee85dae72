import type { KeyObject, X509Certificate } from "node:crypto";
import { algorithmsOf } from "../../keys/algorithms.js";
import { parseX5c, verifyChain } from "../../keys/certificate-chain.js";
import { publicKeyOfJwk, type VerificationKey } from "../../keys/jwk-set.js";
import { thumbprint } from "../../keys/key-id.js";
import type { EmbeddedKey, TokenHeader } from "./token-header.js";
import { invalidToken } from "./token-refusal.js";

/** The keys that are trusted to sign tokens. */
export interface TrustedKeys {
  /** Certificates that an `x5c` chain may end at. */
  readonly roots: readonly X509Certificate[];
  /** The key with this id; undefined if no trusted key has it. */
  find(id: string): VerificationKey | undefined;
  /** All ids that {@link find} knows; for the log. */
  ids(): Iterable<string>;
}

/** The key to verify a token with. */
export interface FoundKey extends VerificationKey {
  /** When its certificates expire, in milliseconds since 1970; infinite for a key that is trusted itself. */
  readonly validUntil: number;
}

/** The id of an unknown key, which the issuer may have published since. */
export interface UnknownKey {
  readonly unknownId: string;
}

/**
 * The key that `header` names, by the first of these that it has (wire contract §4.4): an `x5c` chain, an embedded `jwk`, a
 * `kid`. If that one fails, the others are not tried. Throws TokenRefused.
 */
export function findKey(header: TokenHeader, trusted: TrustedKeys, now: number): FoundKey | UnknownKey {
  if (header.x5c !== undefined) return keyOfChain(header.x5c, trusted, now);
  if (header.jwk !== undefined) return keyOfJwk(header.jwk, trusted, now);
  if (header.kid !== undefined) return keyOfId(header.kid, trusted);
  throw invalidToken("the token doesn't name its key: it needs kid, x5c or jwk");
}

function keyOfChain(x5c: readonly string[], { roots }: TrustedKeys, now: number): FoundKey {
  try {
    const { leaf, validUntil } = verifyChain(parseX5c(x5c), roots, now);
    return { key: leaf.publicKey, algorithms: algorithmsOf(leaf.publicKey), validUntil };
  } catch (error) {
    throw invalidToken("the token's x5c is not trusted", error);
  }
}

function keyOfJwk(jwk: EmbeddedKey, trusted: TrustedKeys, now: number): FoundKey | UnknownKey {
  if (jwk.x5c !== undefined) {
    const found = keyOfChain(jwk.x5c, trusted, now);
    // RFC 7517 §4.7: "The key in the first certificate MUST match the public key represented by other members of the JWK."
    if (!isSameKey(jwk.members, found.key)) throw invalidToken("the token's jwk is not the key of its certificate");
    return found;
  }
  // Its own members are never used: they were chosen by the token's author.
  if (jwk.kid !== undefined) return keyOfId(jwk.kid, trusted);
  throw invalidToken("the token's jwk has neither kid nor x5c");
}

function keyOfId(id: string, trusted: TrustedKeys): FoundKey | UnknownKey {
  const found = trusted.find(id);
  return found === undefined ? { unknownId: id } : { ...found, validUntil: Number.POSITIVE_INFINITY };
}

function isSameKey(jwk: unknown, key: KeyObject): boolean {
  try {
    return thumbprint(publicKeyOfJwk(jwk)) === thumbprint(key);
  } catch {
    return false;
  }
}
