import { hash } from "node:crypto";
import { compactVerify, errors } from "jose";
import { LRUCache } from "lru-cache";
import type { SigningAlgorithm } from "../../keys/algorithms.js";
import type { Clock } from "../../ports.js";
import { verifyClaims, type ExpectedClaims, type VerifiedToken } from "./claims.js";
import { findKey, type FoundKey, type TrustedKeys } from "./find-key.js";
import { parseTokenHeader, type TokenHeader } from "./header.js";
import { invalidToken, TokenRefused } from "./refusal.js";

/** Tokens that are remembered, and the characters that these may have together. */
const REMEMBERED_TOKENS = 10_000;
const REMEMBERED_CHARACTERS = 32 * 1024 * 1024;

/** What {@link createTokenVerifier} works with. */
export interface VerifierOptions extends ExpectedClaims {
  readonly algorithms: readonly SigningAlgorithm[];
  readonly keys: TrustedKeys;
  /** Asks the issuer for new keys; undefined where there are none to be had now. */
  readonly refresh?: ((signal: AbortSignal | undefined) => Promise<void> | undefined) | undefined;
  readonly clock: Clock;
}

/** Verifies tokens and remembers those that hold, so that a client's further requests cost no signature. */
export interface TokenVerifier {
  /** Throws TokenRefused. Answers at once where the token is remembered. */
  verify(token: string, signal?: AbortSignal): VerifiedToken | Promise<VerifiedToken>;
  /** To be called when a key has gone or changed. */
  forget(): void;
}

/** A verifier of tokens by {@link findKey} and {@link verifyClaims}. */
export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const { algorithms, keys, refresh, clock } = options;
  const remembered = new LRUCache<string, VerifiedToken>({
    max: REMEMBERED_TOKENS,
    maxSize: REMEMBERED_CHARACTERS,
  });
  let generation = 0;

  async function keyFor(header: TokenHeader, signal: AbortSignal | undefined): Promise<FoundKey> {
    const found = findKey(header, keys, clock());
    if (!("unknownId" in found)) return found;
    await refresh?.(signal);
    const again = findKey(header, keys, clock());
    if (!("unknownId" in again)) return again;
    throw invalidToken("the token is signed with a key that is not trusted");
  }

  async function verifyAnew(token: string, id: string, signal: AbortSignal | undefined): Promise<VerifiedToken> {
    const before = generation;
    const header = parseTokenHeader(token, algorithms);
    const found = await keyFor(header, signal);
    // A key serves its own algorithms only, whatever the token says (RFC 8725 §3.1).
    if (!found.algorithms.includes(header.alg)) throw invalidToken("the token's algorithm doesn't fit its key");
    const payload = await verifySignature(token, header.alg, found);
    const claimed = verifyClaims(payload, options, clock());
    const verified = { ...claimed, validUntil: Math.min(claimed.validUntil, found.validUntil) };
    // Keys that changed meanwhile may have taken this token's with them.
    if (before === generation) remembered.set(id, verified, { size: token.length });
    return verified;
  }

  return {
    verify(token, signal) {
      const id = hash("sha256", token, "base64");
      const known = remembered.get(id);
      if (known === undefined) return verifyAnew(token, id, signal);
      if (clock() <= known.validUntil) return known;
      remembered.delete(id);
      return verifyAnew(token, id, signal);
    },
    forget() {
      generation += 1;
      remembered.clear();
    },
  };
}

async function verifySignature(token: string, alg: SigningAlgorithm, { key }: FoundKey): Promise<Uint8Array> {
  try {
    return (await compactVerify(token, key, { algorithms: [alg] })).payload;
  } catch (error) {
    // The original's challenge says nothing of a wrong signature (contract §4.4).
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      throw new TokenRefused("the token's signature is wrong", undefined);
    }
    throw invalidToken("the token can't be verified", error);
  }
}
