import { X509Certificate } from "node:crypto";

/** One thing that is wrong in a file of many: `item` counts from 1. */
export interface ItemProblem {
  readonly item: number;
  readonly reason: string;
}

/** The certificates of a PEM bundle and what isn't one. */
export interface PemBundle {
  readonly certificates: readonly X509Certificate[];
  readonly problems: readonly ItemProblem[];
}

/** RFC 7468 §3; other blocks (keys, comments between) are not ours to judge. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----([\s\S]*?)(?:-----END CERTIFICATE-----|(?=-----BEGIN )|$)/g;

/** More is a mistake, and each costs a signature when a chain is looked for. */
const MAX_CERTIFICATES = 1000;

/** All `CERTIFICATE` blocks of `text`; a broken one is named by its place and the others are kept. */
export function parsePemBundle(text: string): PemBundle {
  const certificates: X509Certificate[] = [];
  const problems: ItemProblem[] = [];
  let item = 0;
  for (const [, body = ""] of text.matchAll(CERTIFICATE)) {
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
