import { hash } from "node:crypto";
import { compactVerify, errors } from "jose";
import { LRUCache } from "lru-cache";
import type { SigningAlgorithm } from "../../keys/algorithms.js";
import type { Clock } from "../../ports.js";
import { verifyClaims, type ExpectedClaims, type VerifiedToken } from "./token-claims.js";
import { findKey, type FoundKey, type TrustedKeys } from "./find-key.js";
import { parseTokenHeader, type TokenHeader } from "./token-header.js";
import { invalidToken, shown, shownList, TokenRefused, unexpected } from "./token-refusal.js";

/** How many verified tokens are remembered, and their total length in characters. */
const REMEMBERED_TOKENS = 10_000;
const REMEMBERED_CHARACTERS = 32 * 1024 * 1024;

/** What {@link createTokenVerifier} works with. */
export interface VerifierOptions extends ExpectedClaims {
  readonly algorithms: readonly SigningAlgorithm[];
  readonly keys: TrustedKeys;
  /** Asks the issuer for new keys; returns undefined if it is too early to ask again. */
  readonly refresh?: ((signal: AbortSignal | undefined) => Promise<void> | undefined) | undefined;
  readonly clock: Clock;
}

/** Verifies tokens and remembers valid ones, so that a client's further requests don't cost a signature check. */
export interface TokenVerifier {
  /** Throws TokenRefused. Returns a promise unless the token is remembered. */
  verify(token: string, signal?: AbortSignal): VerifiedToken | Promise<VerifiedToken>;
  /** Forgets all tokens; must be called when a key was removed or changed. */
  forget(): void;
}

/** Verifies tokens with {@link findKey} and {@link verifyClaims}. */
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
    throw unexpected("the token is signed with a key that is not trusted", {
      "token.keyid": shown(again.unknownId),
      "token.keyid.expected": shownList(keys.ids()),
    });
  }

  async function verifyAnew(token: string, id: string, signal: AbortSignal | undefined): Promise<VerifiedToken> {
    const before = generation;
    const header = parseTokenHeader(token, algorithms);
    const found = await keyFor(header, signal);
    // A key is only used with its own algorithms, whatever the token says (RFC 8725 §3.1).
    if (!found.algorithms.includes(header.alg)) {
      const details = { "token.algorithm": header.alg, "token.algorithm.expected": found.algorithms.join(", ") };
      throw unexpected("the token's algorithm doesn't fit its key", details);
    }
    const payload = await verifySignature(token, header.alg, found);
    const claimed = verifyClaims(payload, options, clock());
    const verified = { ...claimed, validUntil: Math.min(claimed.validUntil, found.validUntil) };
    // The key of this token may have been removed meanwhile.
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
    // Distribution's challenge has no error for a wrong signature (wire contract §4.4).
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      throw new TokenRefused("the token's signature is wrong", undefined);
    }
    throw invalidToken("the token can't be verified", error);
  }
}
