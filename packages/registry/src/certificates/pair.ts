import { type X509Certificate } from "node:crypto";
import { readCertificates, readPrivateKey } from "@longshore/base/pem";
import type { HostCertificate } from "../server/listeners/host-contexts.js";

/** A host's certificate with its key. Times in milliseconds since 1970. */
export interface CertificatePair extends HostCertificate {
  readonly notBefore: number;
  readonly notAfter: number;
}

const KEY = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----[\s\S]*?-----END (?:RSA |EC )?PRIVATE KEY-----/;

/**
 * Reads a key and the chain behind it from one PEM text, as Distribution's cache has them. Undefined if it has no usable key, or no
 * certificate of that key for that host.
 */
export function parsePair(host: string, text: string): CertificatePair | undefined {
  const key = KEY.exec(text)?.[0];
  if (key === undefined) return undefined;
  const chain = readCertificates(Buffer.from(text), "").value;
  const privateKey = readPrivateKey(Buffer.from(key), "").value;
  const leaf = chain?.[0];
  if (chain === undefined || leaf === undefined || privateKey === undefined) return undefined;
  if (!leaf.checkPrivateKey(privateKey) || leaf.checkHost(host) === undefined) return undefined;
  return { host, key: `${key}\n`, chain: chain.map((each) => each.toString()).join(""), ...datesOf(leaf) };
}

/** The pair as {@link parsePair}, Distribution and docker_auth read it. */
export function formatPair({ key, chain }: Pick<CertificatePair, "key" | "chain">): string {
  return `${key.trimEnd()}\n${chain}`;
}

function datesOf(certificate: X509Certificate): { notBefore: number; notAfter: number } {
  return { notBefore: Date.parse(certificate.validFrom), notAfter: Date.parse(certificate.validTo) };
}
