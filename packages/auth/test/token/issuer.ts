// The library below requires it to be imported first.
import "reflect-metadata";
import { constants, generateKeyPairSync, KeyObject, sign as cryptoSign, webcrypto, X509Certificate } from "node:crypto";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  Extension,
  X509CertificateGenerator,
  type X509Certificate as PeculiarCertificate,
} from "@peculiar/x509";
import type { SigningAlgorithm } from "../../src/keys/algorithms.js";

/** The time of the tests' clock until they move it. */
export const NOW = Date.UTC(2026, 0, 15, 12);

const DAY = 86_400_000;

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const MAKERS: Readonly<Record<string, () => KeyPair>> = {
  R: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  P: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

/** A new key pair for `algorithm`. */
export function makeKeys(algorithm: SigningAlgorithm): KeyPair {
  const make = MAKERS[algorithm] ?? MAKERS[algorithm.charAt(0)];
  if (make === undefined) throw new Error(`no keys for ${algorithm}`);
  return make();
}

/** A JWS signature by node:crypto, so that the verifying library isn't the signing one. */
export function signature(algorithm: string, input: string, key: KeyObject): string {
  const data = Buffer.from(input);
  if (algorithm === "EdDSA") return cryptoSign(null, data, key).toString("base64url");
  const digest = `sha${algorithm.slice(2)}`;
  if (algorithm.startsWith("ES")) {
    return cryptoSign(digest, data, { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
  }
  const padding = algorithm.startsWith("PS")
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  return cryptoSign(digest, data, { key, ...padding }).toString("base64url");
}

export function encode(part: unknown): string {
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}

/** A token with any header and payload, as JSON or a literal string. `algorithm` signs, whatever the header says. */
export function makeToken(header: unknown, payload: unknown, algorithm: SigningAlgorithm, key: KeyObject): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signature(algorithm, input, key)}`;
}

/** Claims that a verifier for `https://issuer.test` and `registry.test` accepts at {@link NOW}. */
export function goodClaims(more: Record<string, unknown> = {}): Record<string, unknown> {
  const seconds = NOW / 1000;
  return {
    iss: "https://issuer.test",
    sub: "alice",
    aud: "registry.test",
    exp: seconds + 300,
    nbf: seconds - 10,
    iat: seconds,
    jti: "1",
    access: [{ type: "repository", name: "team/app", actions: ["pull"] }],
    ...more,
  };
}

export interface Certified extends KeyPair {
  readonly certificate: X509Certificate;
  readonly pem: string;
  /** As in `x5c`. */
  readonly der: string;
  readonly issuing: { readonly certificate: PeculiarCertificate; readonly keys: webcrypto.CryptoKeyPair };
}

export interface CertificateWish {
  readonly name?: string;
  readonly issuer?: Certified;
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly algorithm?: "ES256" | "RS256";
  readonly sha1?: boolean;
  /** A critical, empty extension with this object identifier. */
  readonly critical?: string;
}

let serial = 0;

/** A certificate, self-signed if it has no issuer. */
export async function certify(wish: CertificateWish = {}): Promise<Certified> {
  cryptoProvider.set(webcrypto);
  const algorithm =
    wish.algorithm === "RS256"
      ? {
          name: "RSASSA-PKCS1-v1_5",
          hash: wish.sha1 === true ? "SHA-1" : "SHA-256",
          modulusLength: 2048,
          publicExponent: new Uint8Array([1, 0, 1]),
        }
      : { name: "ECDSA", namedCurve: "P-256", hash: wish.sha1 === true ? "SHA-1" : "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  if (!("privateKey" in keys)) throw new Error("no pair");
  const { issuer, name = "test", ca = issuer === undefined } = wish;
  const common = {
    serialNumber: (serial += 1).toString(16).padStart(4, "0"),
    notBefore: new Date(wish.notBefore ?? NOW - DAY),
    notAfter: new Date(wish.notAfter ?? NOW + DAY),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(ca, wish.pathLength, true),
      ...(wish.critical === undefined ? [] : [new Extension(wish.critical, true, new Uint8Array([0x30, 0]))]),
    ],
  };
  const made =
    issuer === undefined
      ? await X509CertificateGenerator.createSelfSigned({ ...common, name: `CN=${name}`, keys })
      : await X509CertificateGenerator.create({
          ...common,
          subject: `CN=${name}`,
          issuer: issuer.issuing.certificate.subject,
          publicKey: keys.publicKey,
          signingKey: issuer.issuing.keys.privateKey,
        });
  const pem = made.toString("pem");
  return {
    publicKey: KeyObject.from(keys.publicKey),
    privateKey: KeyObject.from(keys.privateKey),
    certificate: new X509Certificate(pem),
    pem: `${pem}\n`,
    der: Buffer.from(made.rawData).toString("base64"),
    issuing: { certificate: made, keys },
  };
}
