import { randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { z } from "zod";
import type { VerifiedToken } from "../controllers/token/claims.js";
import { createTokenVerifier, type TokenVerifier } from "../controllers/token/verifier.js";
import type { Identity } from "../identities/contract.js";
import type { VerificationKey } from "../keys/jwk-set.js";
import type { Clock } from "../ports.js";
import { deriveDigest, deriveSigningKey, type SigningKey } from "./signing-key.js";

/** An entry of a token's `access` (distribution token specification). */
export interface AccessEntry {
  readonly type: string;
  readonly class?: string | undefined;
  readonly name: string;
  readonly actions: readonly string[];
}

/** What {@link createMint} works with. Times in seconds. */
export interface MintOptions {
  /** The audience of its tokens, and their issuer: the registry issues for itself. */
  readonly service: string;
  /** `http.secret`. */
  readonly secret: string;
  readonly lifetime: number;
  readonly refreshLifetime: number;
  readonly clock: Clock;
}

/** Makes tokens and tells its own from others. */
export interface Mint {
  /** A short-lived token for what `access` says; `issuedAt` in seconds since 1970. */
  access(identity: Identity, access: readonly AccessEntry[], issuedAt: number): Promise<string>;
  /** A long-lived token that stands for a password whose {@link PasswordAuthenticator.lookup} stamp is `stamp`. */
  refresh(account: string, stamp: string, issuedAt: number): Promise<string>;
  /** The verifier of access tokens: a refresh token is none. */
  readonly verifier: TokenVerifier;
  /** Whose refresh token this is; throws TokenRefused. `isFor` says whether it stands for this stamp's password. */
  readRefresh(token: string): Promise<{ readonly account: string; readonly isFor: (stamp: string) => boolean }>;
}

/** How far back tokens are valid, for verifiers whose clock is behind (docker_auth does the same). */
const BACKDATED = 10;

const ALGORITHM = "EdDSA";

/** Access and refresh tokens have keys and audiences of their own, so that neither can pass for the other. */
export function createMint({ service, secret, lifetime, refreshLifetime, clock }: MintOptions): Mint {
  const accessKey = deriveSigningKey(secret, "access");
  const refreshKey = deriveSigningKey(secret, "refresh");
  const sealOf = deriveDigest(secret, "password stamp");
  const refreshService = `${service} refresh`;
  const common = { issuer: service, algorithms: [ALGORITHM], clock } as const;
  const verifier = createTokenVerifier({ ...common, service, keys: only(accessKey) });
  const refreshVerifier = createTokenVerifier({ ...common, service: refreshService, keys: only(refreshKey) });

  function sign(claims: Record<string, unknown>, key: SigningKey, times: Times, account: string): Promise<string> {
    const token = new SignJWT({ ...claims, ...(account === "" ? {} : { sub: account }) })
      .setProtectedHeader({ typ: "JWT", alg: ALGORITHM, kid: key.kid })
      .setIssuer(service)
      .setIssuedAt(times.issuedAt)
      .setNotBefore(times.issuedAt - BACKDATED)
      .setExpirationTime(times.issuedAt + times.lifetime)
      .setJti(randomBytes(16).toString("base64url"));
    return token.sign(key.privateKey);
  }

  return {
    verifier,
    access({ account, labels, labelSyntax }, access, issuedAt) {
      const described = labels.size === 0 ? {} : { labels: Object.fromEntries(labels), label_syntax: labelSyntax };
      return sign({ aud: service, access, ...described }, accessKey, { issuedAt, lifetime }, account);
    },
    refresh: (account, stamp, issuedAt) =>
      sign(
        { aud: refreshService, seal: sealOf(JSON.stringify([account, stamp])) },
        refreshKey,
        { issuedAt, lifetime: refreshLifetime },
        account,
      ),
    async readRefresh(token) {
      const { account, claims } = await refreshVerifier.verify(token);
      const seal = claims["seal"];
      return { account, isFor: (stamp) => seal === sealOf(JSON.stringify([account, stamp])) };
    },
  };
}

interface Times {
  readonly issuedAt: number;
  readonly lifetime: number;
}

const LABELS = z.object({
  labels: z.record(z.string(), z.array(z.string())).default({}),
  label_syntax: z.enum(["literal", "pattern"]).optional(),
});

/** The identity that an access token of ours was made for. */
export function identityOf({ account, claims }: VerifiedToken): Identity {
  const { labels, label_syntax: labelSyntax } = LABELS.parse(claims);
  return { account, labels: new Map(Object.entries(labels)), labelSyntax };
}

function only({ kid, publicKey }: SigningKey) {
  const key: VerificationKey = { key: publicKey, algorithms: [ALGORITHM] };
  return { roots: [], find: (id: string) => (id === kid ? key : undefined) };
}
