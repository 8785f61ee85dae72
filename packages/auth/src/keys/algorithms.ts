import type { KeyObject } from "node:crypto";

/** What `signingalgorithms` may name, in Distribution's order but without HMAC: a public key must never be a shared secret. */
export const SIGNING_ALGORITHMS = [
  "EdDSA",
  "RS256",
  "RS384",
  "RS512",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
] as const;

/** A JWS algorithm (RFC 7518 §3.1, RFC 8037) with a public key. */
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** Distribution accepts these too. They are refused here because our keys aren't secret. */
export const HMAC_ALGORITHMS: readonly string[] = ["HS256", "HS384", "HS512"];

const RSA: readonly SigningAlgorithm[] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

/** Each hash has its curve (RFC 7518 §3.4), by OpenSSL's names. */
const CURVES: Readonly<Record<string, SigningAlgorithm>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};

/** RFC 7518 §3.3. */
const MIN_RSA_BITS = 2048;

/** Whether `name` is a {@link SigningAlgorithm}. */
export function isSigningAlgorithm(name: unknown): name is SigningAlgorithm {
  return SIGNING_ALGORITHMS.some((known) => known === name);
}

/**
 * The algorithms that a public key can verify: a token's `alg` never decides what a key is used for. Throws, with a readable
 * message, if there is none.
 */
export function algorithmsOf(key: KeyObject): readonly SigningAlgorithm[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa") {
    const bits = details?.modulusLength ?? 0;
    if (bits >= MIN_RSA_BITS) return RSA;
    throw new Error(`an RSA key of ${bits} bits is too short: at least ${MIN_RSA_BITS} are needed`);
  }
  if (type === "ed25519") return ["EdDSA"];
  const curve = type === "ec" ? (details?.namedCurve ?? "") : "";
  const algorithm = Object.hasOwn(CURVES, curve) ? CURVES[curve] : undefined;
  if (algorithm !== undefined) return [algorithm];
  const what = curve === "" ? `${type ?? "this"} key` : `EC key on ${curve}`;
  throw new Error(`a token can't be signed with a ${what}: use RSA, EC on P-256, P-384 or P-521, or Ed25519`);
}
