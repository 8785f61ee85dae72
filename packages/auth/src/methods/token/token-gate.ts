import { abortable } from "@longshore/base/abort";
import type { Access, AuthorizeOptions, AuthRequest } from "../../access-controller.js";
import { AuthError } from "../../errors.js";
import type { VerifiedToken } from "./token-claims.js";
import { TokenRefused, type RefusalDetails } from "./token-refusal.js";
import type { TokenVerifier } from "./token-verifier.js";

/** What {@link createTokenGate} works with. */
export interface TokenGateOptions {
  readonly verifier: TokenVerifier;
  /** The `WWW-Authenticate` line for a refusal. */
  readonly challenge: (request: AuthRequest, accesses: readonly Access[], error?: string) => string;
  /** Checks whether the keys have changed, if a check is due. The promise never rejects. */
  readonly check?: (() => Promise<void> | undefined) | undefined;
  /** Throws AuthError UNAVAILABLE while there are no keys. */
  readonly assertReady?: (() => void) | undefined;
}

/** Admits requests with a valid token. */
export interface TokenGate {
  /** Verifies that the token covers `accesses`, or throws AuthError. Returns a promise only for a token that is new to it. */
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
  readonly details?: RefusalDetails | undefined;
}

/** The part of access control that all tokens share: verify, compare, and refuse with the right challenge. */
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
      return refuse(request, accesses, {
        error: error.error,
        refusal: "rejected",
        reason: error.message,
        details: error.details,
      });
    }
    return decide(request, accesses, verified);
  }

  return {
    admit(request, accesses, token, { signal } = {}) {
      const checking = check?.();
      if (checking !== undefined) {
        return decideLater(request, accesses, async () => {
          await abortable(checking, signal);
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
