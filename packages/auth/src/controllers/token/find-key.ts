import type { KeyObject, X509Certificate } from "node:crypto";
import { algorithmsOf } from "../../keys/algorithms.js";
import { parseX5c, verifyChain } from "../../keys/certificate-chain.js";
import { publicKeyOfJwk, type VerificationKey } from "../../keys/jwk-set.js";
import { thumbprint } from "../../keys/key-id.js";
import type { EmbeddedKey, TokenHeader } from "./header.js";
import { invalidToken } from "./refusal.js";

/** The keys that tokens are trusted with. */
export interface TrustedKeys {
  /** Certificates that an `x5c` chain may end at. */
  readonly roots: readonly X509Certificate[];
  /** The key with this id; undefined where none is trusted under it. */
  find(id: string): VerificationKey | undefined;
}

/** The key to verify a token with. */
export interface FoundKey extends VerificationKey {
  /** Milliseconds since 1970 after which its certificates no longer vouch for it; infinite for a trusted key. */
  readonly validUntil: number;
}

/** The key's id that nobody knows: perhaps a new one that the issuer has published since. */
export interface UnknownKey {
  readonly unknownId: string;
}

/**
 * The key that `header` names, by the first rule that applies (contract §4.4): an `x5c` chain, an embedded `jwk`, a `kid`.
 * A rule that applies and fails is final. Throws TokenRefused.
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
    // RFC 7517 §4.7: the certificate is of this very key.
    if (!isSameKey(jwk.members, found.key)) throw invalidToken("the token's jwk is not the key of its certificate");
    return found;
  }
  // Its own members are never used: whoever made the token chose them.
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
