// The library below needs it, and needs it first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { cryptoProvider, X509CertificateGenerator } from "@peculiar/x509";
import { SignJWT } from "jose";

export const ISSUER = "bench issuer";
export const SERVICE = "bench";

/** A token for pulls, and the certificate that vouches for it. */
export interface IssuedToken {
  readonly token: string;
  /** PEM, for `rootcertbundle`. */
  readonly certificate: string;
}

const KEYS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
} as const;

const HOUR = 3_600_000;

/** Issues a token as servers of Distribution's tokens do: with its certificate in the header, which every version reads. */
export async function issueToken(algorithm: keyof typeof KEYS, repository: string): Promise<IssuedToken> {
  cryptoProvider.set(webcrypto);
  const parameters = KEYS[algorithm];
  const keys = await webcrypto.subtle.generateKey(parameters, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: `CN=${ISSUER}`,
    notBefore: new Date(Date.now() - HOUR),
    notAfter: new Date(Date.now() + 24 * HOUR),
    signingAlgorithm: parameters,
    keys,
  });
  const token = await new SignJWT({ access: [{ type: "repository", name: repository, actions: ["pull", "push"] }] })
    .setProtectedHeader({ alg: algorithm, typ: "JWT", x5c: [Buffer.from(certificate.rawData).toString("base64")] })
    .setIssuer(ISSUER)
    .setAudience(SERVICE)
    .setSubject("bench")
    .setIssuedAt()
    .setNotBefore("-10s")
    .setExpirationTime("2h")
    .setJti("1")
    .sign(keys.privateKey);
  return { token, certificate: certificate.toString("pem") };
}
