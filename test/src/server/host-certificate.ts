// The library below needs it, and needs it first.
import "reflect-metadata";
import { createPrivateKey, webcrypto } from "node:crypto";
import { cryptoProvider, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

const ALGORITHMS = {
  ec: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  },
} as const;

let serial = 0;

export interface Making {
  /** Milliseconds since 1970. */
  readonly from?: number;
  readonly until?: number;
  readonly kind?: "ec" | "rsa";
}

/** A key as Go writes it (SEC 1 or PKCS #1) and a certificate that it issued itself. */
export async function makePem(host: string, { from, until, kind = "ec" }: Making = {}): Promise<[string, string]> {
  cryptoProvider.set(webcrypto);
  const algorithm = ALGORITHMS[kind];
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: (serial += 1).toString(16).padStart(4, "0"),
    name: `CN=${host}`,
    notBefore: new Date(from ?? Date.now() - 3_600_000),
    notAfter: new Date(until ?? Date.now() + 90 * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: host }])],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return [
    key.export({ format: "pem", type: kind === "ec" ? "sec1" : "pkcs1" }).toString(),
    `${certificate.toString("pem")}\n`,
  ];
}
