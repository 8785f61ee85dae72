import type { Access, AuthorizeOptions, AuthRequest } from "../../contract.js";
import { AuthError } from "../../errors.js";
import type { VerifiedToken } from "./claims.js";
import { TokenRefused } from "./refusal.js";
import type { TokenVerifier } from "./verifier.js";
import { waitFor } from "./wait.js";

/** What {@link createTokenGate} stands on. */
export interface TokenGateOptions {
  readonly verifier: TokenVerifier;
  /** The `WWW-Authenticate` line for a refusal. */
  readonly challenge: (request: AuthRequest, accesses: readonly Access[], error?: string) => string;
  /** Looks whether the keys have changed, if it is time to. The promise never rejects. */
  readonly check?: (() => Promise<void> | undefined) | undefined;
  /** Throws AuthError UNAVAILABLE while there are no keys. */
  readonly assertReady?: (() => void) | undefined;
}

/** Lets requests with a good token pass. */
export interface TokenGate {
  /** The token that covers `accesses`. Throws AuthError. Answers at once for a token that was seen before. */
  admit(
    request: AuthRequest,
    accesses: readonly Access[],
    token: string,
    options?: AuthorizeOptions,
  ): VerifiedToken | Promise<VerifiedToken>;
  /** Throws the AuthError for a request without a token. */
  refuseMissing(request: AuthRequest, accesses: readonly Access[]): never;
}

interface Refusal {
  readonly error?: string | undefined;
  readonly refusal: "missing" | "rejected" | "insufficient";
  readonly reason: string;
  readonly account?: string | undefined;
}

/** The part of access control that is the same for all tokens: verify, compare, refuse with the right challenge. */
export function createTokenGate({ verifier, challenge, check, assertReady }: TokenGateOptions): TokenGate {
  function refuse(request: AuthRequest, accesses: readonly Access[], { error, ...why }: Refusal): never {
    throw new AuthError({
      code: "UNAUTHENTICATED",
      challenge: challenge(request, accesses, error),
      accesses,
      ...why,
    });
  }

  function decide(request: AuthRequest, accesses: readonly Access[], token: VerifiedToken): VerifiedToken {
    const missing = accesses.find((access) => !token.covers(access));
    if (missing === undefined) return token;
    const reason = `the token doesn't grant ${missing.action} on ${missing.type} ${missing.name}`;
    const account = token.account === "" ? undefined : token.account;
    return refuse(request, accesses, { error: "insufficient_scope", refusal: "insufficient", reason, account });
  }

  async function decideLater(
    request: AuthRequest,
    accesses: readonly Access[],
    verifying: () => VerifiedToken | Promise<VerifiedToken>,
  ): Promise<VerifiedToken> {
    let verified: VerifiedToken;
    try {
      verified = await verifying();
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      assertReady?.();
      return refuse(request, accesses, { error: error.error, refusal: "rejected", reason: error.message });
    }
    return decide(request, accesses, verified);
  }

  return {
    admit(request, accesses, token, { signal } = {}) {
      const checking = check?.();
      if (checking !== undefined) {
        return decideLater(request, accesses, async () => {
          await waitFor(checking, signal);
          return verifier.verify(token, signal);
        });
      }
      const verified = verifier.verify(token, signal);
      if (verified instanceof Promise) return decideLater(request, accesses, () => verified);
      return decide(request, accesses, verified);
    },
    refuseMissing: (request, accesses) => refuse(request, accesses, { refusal: "missing", reason: "no Bearer token" }),
  };
}
