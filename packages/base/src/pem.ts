import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** The content of a file, or what is wrong with it, worded to follow the file's name in a message. */
export type PemResult<T> =
  { readonly value: T; readonly problem?: undefined } | { readonly value?: undefined; readonly problem: string };

/** The certificates of a PEM file, in order; at least one. `file` is named in the remedy. */
export function readCertificates(bytes: Buffer, file: string): PemResult<readonly X509Certificate[]> {
  const blocks = bytes.toString("latin1").match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return { problem: `holds no PEM certificate: ${describe(bytes, file, "certificate")}` };
  const value: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    const certificate = attempt(() => new X509Certificate(block));
    if (certificate === undefined) return { problem: `holds a damaged certificate (no. ${index + 1})` };
    value.push(certificate);
  }
  return { value };
}

/** The private key of a PEM file, without a passphrase. `file` is named in the remedy. */
export function readPrivateKey(bytes: Buffer, file: string): PemResult<KeyObject> {
  const isPem = bytes.includes("-----BEGIN ");
  const value = isPem ? attempt(() => createPrivateKey(bytes)) : undefined;
  return value === undefined ? { problem: `holds no usable private key: ${describe(bytes, file, "key")}` } : { value };
}

/** The index of the certificate that belongs to the key. It should be 0, since servers send the first as their own; -1: none. */
export function placeOfKey(certificates: readonly X509Certificate[], key: KeyObject): number {
  return certificates.findIndex((certificate) => certificate.checkPrivateKey(key));
}

/** Says that the key's certificate isn't the first in the file, worded to follow the file's name. */
export function wrongPlace(place: number): string {
  return `has the key's certificate as no. ${place + 1}; put it first, before those that signed it`;
}

/** What is wrong with the order of a chain; some clients refuse a wrong one. */
export function findChainProblem(certificates: readonly X509Certificate[]): string | undefined {
  const wrong = certificates.findIndex((certificate, index) => {
    const signer = certificates[index + 1];
    return signer !== undefined && !certificate.checkIssued(signer);
  });
  if (wrong < 0) return undefined;
  return `has certificates in a wrong order: no. ${wrong + 2} didn't sign no. ${wrong + 1}; put each behind the one that it signed`;
}

const CONVERT = "convert it with openssl";

/** What a file holds instead of what is wanted, and what to do. */
function describe(bytes: Buffer, file: string, wanted: "certificate" | "key"): string {
  const text = bytes.toString("latin1");
  if (text.trim() === "") return "it is empty";
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (label !== undefined) return describeBlock(label, text, file, wanted);
  if (bytes[0] !== 0x30)
    return `there is no line such as -----BEGIN ${wanted === "key" ? "PRIVATE KEY" : "CERTIFICATE"}-----`;
  if (attempt(() => new X509Certificate(bytes)) !== undefined) {
    return wanted === "certificate"
      ? `it is DER; ${CONVERT} x509 -inform der -in ${file} -out ${file}.pem`
      : "it is a certificate (DER)";
  }
  if (
    (["pkcs8", "pkcs1", "sec1"] as const).some((type) =>
      attempt(() => createPrivateKey({ key: bytes, format: "der", type })),
    )
  ) {
    return wanted === "key"
      ? `it is DER; ${CONVERT} pkey -inform der -in ${file} -out ${file}.pem`
      : "it is a private key (DER)";
  }
  if (attempt(() => createPublicKey({ key: bytes, format: "der", type: "spki" })) !== undefined) {
    return "it is a public key (DER)";
  }
  // PFX ::= SEQUENCE { version INTEGER {v3(3)}, … } (RFC 7292 §4)
  if (bytes.subarray(1, 8).includes(Buffer.from([0x02, 0x01, 0x03]))) {
    const what = wanted === "key" ? "-nocerts -nodes" : "-nokeys";
    return `it is a PKCS#12 store; ${CONVERT} pkcs12 -in ${file} ${what} -out ${file}.pem`;
  }
  return "it is DER of another kind; a PEM file is wanted";
}

function describeBlock(label: string, text: string, file: string, wanted: "certificate" | "key"): string {
  if (label.endsWith("PRIVATE KEY")) {
    if (label.startsWith("ENCRYPTED") || text.includes("Proc-Type: 4,ENCRYPTED")) {
      const remedy = wanted === "key" ? `; write it without one: openssl pkey -in ${file} -out ${file}.plain` : "";
      return `it is a private key with a passphrase${remedy}`;
    }
    return wanted === "key" ? "its private key is damaged, or of an unknown kind" : "it is a private key";
  }
  if (label.endsWith("PUBLIC KEY")) return "it is a public key";
  if (label.endsWith("CERTIFICATE REQUEST")) return "it is a certificate request, which an authority has to sign first";
  if (label === "PKCS7") return `it is PKCS#7; ${CONVERT} pkcs7 -print_certs -in ${file} -out ${file}.pem`;
  if (label.endsWith("CERTIFICATE")) {
    return wanted === "key" ? "it is a certificate" : "the certificate is cut off";
  }
  return `it holds ${label}`;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
