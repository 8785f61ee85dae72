import { X509Certificate } from "node:crypto";
import { extensionsOf, pathLengthOf, signatureAlgorithmOf } from "./x509-der.js";

/** A certificate that chains to a trusted one. */
export interface TrustedLeaf {
  readonly leaf: X509Certificate;
  /** When the first certificate of the chain expires, in milliseconds since 1970. */
  readonly validUntil: number;
}

/** More than any sensible chain has; each costs signatures. */
const MAX_CHAIN = 10;

/** How many signatures one search may check. Protects against a crafted list of issuers with the same name. */
const MAX_SIGNATURES = 64;

/**
 * Critical extensions that are either checked here or irrelevant for signing tokens: key usage and basic constraints
 * (checked), extended key usage (any will do, wire contract §4.4), alternative names and policies (irrelevant). A certificate
 * with any other, such as name constraints, is rejected (RFC 5280 §4.2).
 */
const UNDERSTOOD: ReadonlySet<string> = new Set(["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.32", "2.5.29.37"]);

/** Signatures over MD2, MD5 and SHA-1 (RSA, DSA, ECDSA), which can be forged. */
const BROKEN_SIGNATURES: ReadonlySet<string> = new Set([
  "1.2.840.113549.1.1.2",
  "1.2.840.113549.1.1.4",
  "1.2.840.113549.1.1.5",
  "1.2.840.10040.4.3",
  "1.2.840.10045.4.1",
]);

/** Parses an `x5c` header (RFC 7515 §4.1.6). Throws, with a message for the log, if it is invalid. */
export function parseX5c(x5c: readonly string[]): readonly X509Certificate[] {
  if (x5c.length === 0) throw new Error("x5c is empty");
  if (x5c.length > MAX_CHAIN) throw new Error(`x5c has more than ${MAX_CHAIN} certificates`);
  return x5c.map((text) => {
    try {
      return new X509Certificate(Buffer.from(text, "base64"));
    } catch (error) {
      throw new Error("x5c contains something that is not a certificate", { cause: error });
    }
  });
}

/**
 * Verifies that the first certificate of `chain` is trusted at `now` (milliseconds since 1970): it is one of `roots`, or
 * signed by one, possibly through CA certificates of `chain`, and all of them are valid (RFC 5280 §6, without revocation).
 * Any extended key usage will do. Throws, with a message for the log, if it isn't trusted.
 */
export function verifyChain(
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: number,
): TrustedLeaf {
  const [leaf, ...intermediates] = chain;
  if (leaf === undefined) throw new Error("x5c is empty");
  const search = { roots, now, signatures: 0 };
  const validUntil = pathFrom(search, leaf, intermediates, 0);
  if (validUntil === undefined) throw new Error("the certificate of x5c doesn't chain to the rootcertbundle");
  return { leaf, validUntil };
}

interface Search {
  readonly roots: readonly X509Certificate[];
  readonly now: number;
  signatures: number;
}

/** When the first valid path from `subject` to a root expires; undefined if there is none. `below` counts the CAs so far. */
function pathFrom(
  search: Search,
  subject: X509Certificate,
  unused: readonly X509Certificate[],
  below: number,
): number | undefined {
  if (!isUsable(subject, search.now)) return undefined;
  const own = notAfter(subject);
  if (search.roots.some((root) => root.raw.equals(subject.raw))) return own;
  for (const root of search.roots) {
    if (isUsable(root, search.now) && mayIssue(root, below) && isIssuedBy(search, subject, root)) {
      return Math.min(own, notAfter(root));
    }
  }
  for (const [index, issuer] of unused.entries()) {
    if (!mayIssue(issuer, below) || !isIssuedBy(search, subject, issuer)) continue;
    const rest = pathFrom(search, issuer, unused.toSpliced(index, 1), below + 1);
    if (rest !== undefined) return Math.min(own, rest);
  }
  return undefined;
}

function isUsable(certificate: X509Certificate, now: number): boolean {
  if (now < Date.parse(certificate.validFrom) || now > notAfter(certificate)) return false;
  return extensionsOf(certificate.raw).every(({ oid, critical }) => !critical || UNDERSTOOD.has(oid));
}

/** Whether it is a CA certificate (with `keyCertSign` if it has a key usage) that allows `below` more CAs under it. */
function mayIssue(issuer: X509Certificate, below: number): boolean {
  if (!issuer.ca) return false;
  const length = pathLengthOf(extensionsOf(issuer.raw));
  return length === undefined || below <= length;
}

function isIssuedBy(search: Search, subject: X509Certificate, issuer: X509Certificate): boolean {
  if (!subject.checkIssued(issuer) || BROKEN_SIGNATURES.has(signatureAlgorithmOf(subject.raw))) return false;
  search.signatures += 1;
  if (search.signatures > MAX_SIGNATURES) throw new Error("x5c has too many possible chains");
  return subject.verify(issuer.publicKey);
}

function notAfter(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}
