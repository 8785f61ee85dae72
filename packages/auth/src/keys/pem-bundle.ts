import { X509Certificate } from "node:crypto";
import { readCertificates } from "@longshore/base/pem";

/** A problem with one entry of a file; `item` counts from 1. */
export interface ItemProblem {
  readonly item: number;
  readonly reason: string;
}

/** The certificates of a PEM bundle, and the entries that can't be read. */
export interface PemBundle {
  readonly certificates: readonly X509Certificate[];
  readonly problems: readonly ItemProblem[];
}

/** RFC 7468 §3. Other blocks (keys, comments) are ignored. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----([\s\S]*?)(?:-----END CERTIFICATE-----|(?=-----BEGIN )|$)/g;

/** More must be a mistake, and each costs a signature when a chain is searched. */
const MAX_CERTIFICATES = 1000;

/** All `CERTIFICATE` blocks of a file; broken ones are reported by their position, and the others are kept. */
export function parsePemBundle(bytes: Buffer): PemBundle {
  const certificates: X509Certificate[] = [];
  const problems: ItemProblem[] = [];
  let item = 0;
  for (const [, body = ""] of bytes.toString("latin1").matchAll(CERTIFICATE)) {
    item += 1;
    if (item > MAX_CERTIFICATES) {
      problems.push({ item, reason: `more than ${MAX_CERTIFICATES} certificates` });
      break;
    }
    try {
      certificates.push(new X509Certificate(Buffer.from(body, "base64")));
    } catch {
      problems.push({ item, reason: "it is not a certificate" });
    }
  }
  return { certificates, problems };
}

/** What a file without certificates holds instead, and what to do: words that follow the file's name in a message. */
export function describeNoCertificates(bytes: Buffer, file: string): string {
  const { problem = "holds certificates" } = readCertificates(bytes, file);
  const isPublicKey = problem.includes("public key");
  return isPublicKey ? `${problem}; give the certificate of that key, or the key in auth.token.jwks` : problem;
}
