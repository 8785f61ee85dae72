import type { Clock, TrustedKeys } from "@longshore/auth";
import { createTokenVerifier } from "@longshore/auth/tokens";
import { createTokenWriter } from "../endpoint/access-token.js";
import type { SigningKey } from "../keys/signing-key.js";
import { deriveDigest, deriveSigningKey } from "./derived-keys.js";

/** Long-lived tokens in place of a password, which they end with. */
export interface LoginTokens {
  /** `stamp` is the password's, as in {@link PasswordAuthenticator.lookup}; `issuedAt` in seconds since 1970. */
  issue(account: string, stamp: string, issuedAt: number): string;
  /** Throws TokenRefused. `isFor` tells whether it was issued for the password with this stamp. */
  read(token: string): Promise<{ readonly account: string; readonly isFor: (stamp: string) => boolean }>;
}

/** What {@link createLoginTokens} works with. */
export interface LoginTokensOptions {
  readonly service: string;
  /** `http.secret`. */
  readonly secret: string;
  /** In seconds. */
  readonly lifetime: number;
  readonly clock: Clock;
}

/** They have a key and an audience of their own, so that they can't pass for access tokens, nor access tokens for them. */
export function createLoginTokens({ service, secret, lifetime, clock }: LoginTokensOptions): LoginTokens {
  const key = deriveSigningKey(secret, "refresh");
  const sealOf = deriveDigest(secret, "password stamp");
  const audience = `${service} refresh`;
  const write = createOwnWriter();
  const verifier = createTokenVerifier({
    issuer: service,
    service: audience,
    algorithms: [key.algorithm],
    keys: only(key),
    clock,
  });
  return {
    issue(account, stamp, issuedAt) {
      const more = { seal: sealOf(JSON.stringify([account, stamp])) };
      return write({ issuer: service, service: audience, account, issuedAt, lifetime, more }, key);
    },
    async read(token) {
      const { account, claims } = await verifier.verify(token);
      const seal = claims["seal"];
      return { account, isFor: (stamp) => seal === sealOf(JSON.stringify([account, stamp])) };
    },
  };
}

/** Writes tokens that the registry itself reads: their keys have no certificates. */
export function createOwnWriter(): ReturnType<typeof createTokenWriter> {
  return createTokenWriter({ certificates: false, keyId: "thumbprint" });
}

/** Trusts `key` alone. */
export function only({ id, algorithm, publicKey }: SigningKey): TrustedKeys {
  const key = { key: publicKey, algorithms: [algorithm] };
  return { roots: [], find: (wanted) => (wanted === id ? key : undefined), ids: () => [id] };
}
