import { hash } from "node:crypto";
import {
  AuthError,
  parseTokenHeader,
  TokenRefused,
  type Clock,
  type SigningAlgorithm,
  type VerificationKey,
} from "@longshore/auth";
import type { KeySnapshot } from "@longshore/auth/tokens";
import { compactVerify } from "jose";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { IssuerKeys } from "./keys/issuer-keys.js";
import type { Claims } from "./machines/claim-values.js";

/** What the ID tokens of an issuer must say. */
export interface ExpectedIdToken {
  readonly issuer: string;
  /** A token is for one of these and for no other service. */
  readonly audiences: readonly string[];
  /** Whether it may be for other services too, which could then use it here. */
  readonly sharedAudience: boolean;
  readonly algorithms: readonly SigningAlgorithm[];
  /** How far the clocks of issuer and registry may differ (ms). */
  readonly leeway: number;
}

/** Verifies the ID tokens of one issuer. */
export interface IdTokenVerifier {
  /**
   * The claims of a token that holds. Throws TokenRefused, with a reason for the log; AuthError UNAVAILABLE if the issuer's
   * keys can't be had; and the signal's reason.
   */
  verify(token: string, signal: AbortSignal): Promise<Claims>;
  /** To be called when keys have changed. */
  forget(): void;
}

/** Tokens that are remembered: a client shows its own with each request for a token. */
const REMEMBERED = 1000;

const CLAIMS = z.looseObject({
  iss: z.string(),
  aud: z.union([z.string().transform((name) => [name]), z.array(z.string()).min(1)]),
  exp: z.number(),
  nbf: z.number().optional(),
  iat: z.number().optional(),
});

type StandardClaims = z.infer<typeof CLAIMS>;

/** A verifier by OpenID Connect Core §3.1.3.7 and RFC 8725, with the issuer's own keys alone. */
export function createIdTokenVerifier(expected: ExpectedIdToken, keys: IssuerKeys, clock: Clock): IdTokenVerifier {
  const remembered = new LRUCache<string, StandardClaims>({ max: REMEMBERED });
  let generation = 0;

  async function keyFor(kid: string | undefined, signal: AbortSignal): Promise<VerificationKey> {
    const found = findKey(await keys.current(signal), kid);
    if (found !== undefined) return found;
    const known = await keys.refreshed(signal);
    if (known === undefined) {
      throw new AuthError({
        code: "UNAVAILABLE",
        reason: `the keys of ${expected.issuer} can't be had now; see the log`,
      });
    }
    const again = findKey(known, kid);
    if (again !== undefined) return again;
    throw refused(
      kid === undefined ? "the ID token doesn't name its key" : "the ID token's key is not one of its issuer",
    );
  }

  return {
    async verify(token, signal) {
      const id = hash("sha256", token, "base64");
      const known = remembered.get(id);
      if (known !== undefined) return checkTimes(known, expected, clock());
      const before = generation;
      // Whatever key a header brings along isn't looked at: only `kid` counts, among the issuer's keys.
      const { alg, kid } = parseTokenHeader(token, expected.algorithms);
      const { key, algorithms } = await keyFor(kid, signal);
      // A key serves its own algorithms only, whatever the token says (RFC 8725 §3.1).
      if (!algorithms.includes(alg)) throw refused("the ID token's algorithm doesn't fit its key");
      const claims = checkClaims(await verifySignature(token, alg, key), expected);
      checkTimes(claims, expected, clock());
      if (before === generation) remembered.set(id, claims);
      return claims;
    },
    forget() {
      generation += 1;
      remembered.clear();
    },
  };
}

function findKey(snapshot: KeySnapshot | undefined, kid: string | undefined): VerificationKey | undefined {
  if (snapshot === undefined) return undefined;
  if (kid !== undefined) return snapshot.byId.get(kid);
  // OpenID Connect Core §10.1: a key must be named unless there is only one.
  const [only, ...others] = new Set(Array.from(snapshot.byId.values(), ({ key }) => key));
  const named = Array.from(snapshot.byId.values()).find(({ key }) => key === only);
  return others.length === 0 ? named : undefined;
}

async function verifySignature(token: string, alg: SigningAlgorithm, key: VerificationKey["key"]): Promise<Uint8Array> {
  try {
    const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: [alg] });
    const { typ } = protectedHeader;
    // RFC 9068 §2.1, RFC 8417: access tokens, logout tokens and security events of the same issuer are no logins.
    if (typ !== undefined && !/^(?:application\/)?jwt$/i.test(typ))
      throw refused("it is no ID token but another kind of JWT");
    return payload;
  } catch (error) {
    if (error instanceof TokenRefused) throw error;
    throw refused("the ID token's signature is wrong");
  }
}

function checkClaims(payload: Uint8Array, { issuer, audiences, sharedAudience }: ExpectedIdToken): StandardClaims {
  const parsed = CLAIMS.safeParse(parseJson(payload));
  if (!parsed.success) throw refused("the ID token needs iss, aud and exp");
  const { iss, aud } = parsed.data;
  if (iss !== issuer) throw refused("the ID token is from another issuer");
  const isOurs = (name: string): boolean => audiences.includes(name);
  if (!aud.some(isOurs)) throw refused("the ID token's audience is another service");
  if (!sharedAudience && !aud.every(isOurs)) {
    throw refused("the ID token is also for other services, which could use it here; get one for this registry alone");
  }
  return parsed.data;
}

function checkTimes<C extends StandardClaims>(claims: C, { leeway }: ExpectedIdToken, now: number): C {
  const { exp, nbf, iat } = claims;
  if (now >= exp * 1000 + leeway) throw refused("the ID token has expired");
  if (nbf !== undefined && now < nbf * 1000 - leeway) throw refused("the ID token is not valid yet");
  if (iat !== undefined && now < iat * 1000 - leeway) throw refused("the ID token was issued in the future");
  return claims;
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    throw refused("the ID token's claims are not JSON");
  }
}

function refused(reason: string): TokenRefused {
  return new TokenRefused(reason, "invalid_token");
}

const JWT = /^[A-Za-z0-9_-]{2,}\.([A-Za-z0-9_-]{2,})\.[A-Za-z0-9_-]{2,}$/;
const MAX_LENGTH = 64 * 1024;

/** The issuer that a text says it is from if it has the form of a JWT. Nothing of it is verified. */
export function claimedIssuer(text: string): string | undefined {
  const encoded = text.length > MAX_LENGTH ? undefined : JWT.exec(text)?.[1];
  if (encoded === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(encoded, "base64url").toString("utf8"));
    const parsed = z.object({ iss: z.string() }).safeParse(claims);
    return parsed.success ? parsed.data.iss : undefined;
  } catch {
    return undefined;
  }
}
