import { createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { algorithmsOf, isSigningAlgorithm, type SigningAlgorithm } from "./algorithms.js";
import { keyIds } from "./key-id.js";
import type { ItemProblem } from "./pem-bundle.js";

/** A public key with the only uses that it may be put to. */
export interface VerificationKey {
  readonly key: KeyObject;
  readonly algorithms: readonly SigningAlgorithm[];
}

/** A {@link VerificationKey} with the ids under which tokens may name it. */
export interface IdentifiedKey extends VerificationKey {
  readonly ids: readonly string[];
}

/** The keys of a JWK set that tokens can be verified with, and what isn't one. */
export interface JwkSet {
  readonly keys: readonly IdentifiedKey[];
  readonly problems: readonly ItemProblem[];
}

/** More is a mistake. */
const MAX_KEYS = 1000;

/** Only what a public key has: whatever secret members a careless file holds are left where they are. */
const PUBLIC_JWK = z.discriminatedUnion("kty", [
  z.object({ kty: z.literal("RSA"), n: z.string(), e: z.string() }),
  z.object({ kty: z.literal("EC"), crv: z.string(), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal("OKP"), crv: z.string(), x: z.string() }),
]);

const USAGE = z.object({
  kid: z.string().optional(),
  use: z.string().optional(),
  key_ops: z.array(z.string()).optional(),
  alg: z.string().optional(),
});

const SET = z.object({ keys: z.array(z.unknown()) });

/** The public key that a JWK spells (RFC 7517 §4). Throws, with a message for people, where it is none. */
export function publicKeyOfJwk(jwk: unknown): KeyObject {
  const parsed = PUBLIC_JWK.safeParse(jwk);
  if (!parsed.success) throw new Error("it is no public RSA, EC or OKP key");
  try {
    return createPublicKey({ key: parsed.data, format: "jwk" });
  } catch (error) {
    throw new Error(`its ${parsed.data.kty} members don't make a key`, { cause: error });
  }
}

/**
 * A JWK set (RFC 7517 §5). Keys for other purposes or of unknown types are named in `problems` and skipped, as the RFC
 * wants; a key without `kid` goes by its thumbprints. Throws, with a message for people, where `text` is no JWK set.
 */
export function parseJwkSet(text: string): JwkSet {
  const parsed = SET.safeParse(parseJson(text));
  if (!parsed.success) throw new Error('it is no JWK set: a JSON object with a list "keys" is wanted');
  if (parsed.data.keys.length > MAX_KEYS) throw new Error(`it has more than ${MAX_KEYS} keys`);
  const keys: IdentifiedKey[] = [];
  const problems: ItemProblem[] = [];
  parsed.data.keys.forEach((jwk, index) => {
    try {
      keys.push(identifiedKey(jwk));
    } catch (error) {
      problems.push({ item: index + 1, reason: error instanceof Error ? error.message : "it can't be read" });
    }
  });
  return { keys, problems };
}

function identifiedKey(jwk: unknown): IdentifiedKey {
  const usage = USAGE.safeParse(jwk);
  if (!usage.success) throw new Error("its members have the wrong types");
  const { kid, use, key_ops: operations, alg } = usage.data;
  if (use !== undefined && use !== "sig") throw new Error("it is not for signatures (use)");
  if (operations !== undefined && !operations.includes("verify")) throw new Error("it is not for verifying (key_ops)");
  const key = publicKeyOfJwk(jwk);
  const possible = algorithmsOf(key);
  const algorithms = alg === undefined ? possible : possible.filter((algorithm) => algorithm === alg);
  if (algorithms.length === 0) {
    throw new Error(isSigningAlgorithm(alg) ? `its alg ${alg} does not fit its type` : "its alg is not for us");
  }
  return { key, algorithms, ids: kid === undefined || kid === "" ? keyIds(key) : [kid] };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
}
