import { algorithmsOf, thumbprint, type SigningAlgorithm } from "@longshore/auth";
import { createPrivateKey, createPublicKey, sign, X509Certificate, type KeyObject } from "node:crypto";

/** A key that tokens are signed with, or were. */
export interface SigningKey {
  /** RFC 7638: what verifiers of today find it by. */
  readonly id: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The key's certificate, and those above it; empty if there is none. */
  readonly certificates: readonly X509Certificate[];
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The key of a PEM private key (PKCS #8, PKCS #1 or SEC 1) and the PEM certificates that belong to it, its own first. Throws,
 * with a message for people and without the key.
 */
export function parseSigningKey(privatePem: string, certificatePem: string): SigningKey {
  const privateKey = parsePrivateKey(privatePem);
  const publicKey = createPublicKey(privateKey);
  const [algorithm] = algorithmsOf(publicKey);
  const certificates = (certificatePem.match(PEM_CERTIFICATE) ?? []).map(parseCertificate);
  const [own] = certificates;
  if (own !== undefined && !own.checkPrivateKey(privateKey)) {
    throw new Error("the certificate is of another key; the key's own certificate must be the first one of the file");
  }
  const id = thumbprint(publicKey);
  if (algorithm === undefined || id === undefined) throw new Error("a token can't be signed with a key of this type");
  return { id, algorithm, privateKey, publicKey, certificates };
}

function parsePrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    const remedy = pem.includes("ENCRYPTED") ? "it is encrypted; decrypt it with openssl pkey" : "a PEM file is needed";
    // The library's own message isn't passed on: it may quote the file.
    throw new Error(`the private key can't be read: ${remedy}`);
  }
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Error("a certificate can't be read", { cause });
  }
}

/** The hash that goes with each algorithm; null for Ed25519, which has its own. */
const HASHES: Readonly<Record<string, string | null>> = {
  RS256: "sha256",
  ES256: "sha256",
  ES384: "sha384",
  ES512: "sha512",
  EdDSA: null,
};

/** The signature over `input` (RFC 7515 §5.1), in base64url. */
export function signWith({ algorithm, privateKey }: SigningKey, input: string): string {
  // RFC 7518 §3.4: the two numbers side by side, not DER.
  const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
  return sign(HASHES[algorithm] ?? null, Buffer.from(input), key).toString("base64url");
}
