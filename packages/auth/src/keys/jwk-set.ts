import { createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { algorithmsOf, isSigningAlgorithm, type SigningAlgorithm } from "./algorithms.js";
import { keyIds } from "./key-id.js";
import type { ItemProblem } from "./pem-bundle.js";

/** A public key with the only algorithms that it may be used for. */
export interface VerificationKey {
  readonly key: KeyObject;
  readonly algorithms: readonly SigningAlgorithm[];
}

/** A {@link VerificationKey} with the ids under which tokens may name it. */
export interface IdentifiedKey extends VerificationKey {
  readonly ids: readonly string[];
}

/** The keys of a JWK set that can verify tokens, and the entries that can't. */
export interface JwkSet {
  readonly keys: readonly IdentifiedKey[];
  readonly problems: readonly ItemProblem[];
}

/** More must be a mistake. */
const MAX_KEYS = 1000;

/** The members of public keys only: secret ones, which a careless file may contain, are not read. */
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

/** The public key of a JWK (RFC 7517 §4). Throws, with a readable message, if there is none. */
export function publicKeyOfJwk(jwk: unknown): KeyObject {
  const parsed = PUBLIC_JWK.safeParse(jwk);
  if (!parsed.success) throw new Error("it is not a public RSA, EC or OKP key");
  try {
    return createPublicKey({ key: parsed.data, format: "jwk" });
  } catch (error) {
    throw new Error(`its ${parsed.data.kty} members are not a valid key`, { cause: error });
  }
}

/**
 * Parses a JWK set (RFC 7517 §5). Keys for other purposes and of unknown types are reported in `problems` and skipped, as the
 * RFC requires; a key without `kid` is known by its thumbprints. Throws, with a readable message, if `text` isn't a JWK set.
 */
export function parseJwkSet(text: string): JwkSet {
  const parsed = SET.safeParse(parseJson(text));
  if (!parsed.success) throw new Error('it is not a JWK set: a JSON object with a list "keys" is expected');
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
  if (operations !== undefined && !operations.includes("verify")) {
    throw new Error("it is not for verification (key_ops)");
  }
  const key = publicKeyOfJwk(jwk);
  const possible = algorithmsOf(key);
  const algorithms = alg === undefined ? possible : possible.filter((algorithm) => algorithm === alg);
  if (algorithms.length === 0) {
    throw new Error(isSigningAlgorithm(alg) ? `its alg ${alg} does not fit its type` : "its alg is not supported");
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
