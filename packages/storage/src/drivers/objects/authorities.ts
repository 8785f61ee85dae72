import { readFileSync } from "node:fs";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";

/** Where systems store the certificates of trusted authorities, in the order in which Go programs look. */
const SYSTEM_FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * The authorities that TLS connections to a service trust: in addition to Node's own, those that Distribution trusts, so that a
 * service with a certificate from an internal authority continues to work: `bundle`, and `SSL_CERT_FILE` or else the system's
 * file. Undefined if there are no others.
 */
export function systemAuthorities(
  env: NodeJS.ProcessEnv,
  bundle?: string,
  systemFiles: readonly string[] = SYSTEM_FILES,
): SecureContext | undefined {
  const own = env["SSL_CERT_FILE"] ?? "";
  const system = firstOf(own === "" ? systemFiles : [own]);
  // A context with authorities of its own doesn't have these any more.
  const extra = readCertificates(env["NODE_EXTRA_CA_CERTS"] ?? "");
  const added = [bundle, system].filter((pem) => pem !== undefined);
  if (added.length === 0) return undefined;
  return createSecureContext({ ca: [...rootCertificates, ...added, ...(extra === undefined ? [] : [extra])] });
}

function firstOf(files: readonly string[]): string | undefined {
  for (const file of files) {
    const pem = readCertificates(file);
    if (pem !== undefined) return pem;
  }
  return undefined;
}

/** The certificates in a file; undefined if there are none. */
export function readCertificates(file: string): string | undefined {
  try {
    const pem = readFileSync(file, "utf8");
    return pem.includes("-----BEGIN CERTIFICATE-----") ? pem : undefined;
  } catch {
    return undefined;
  }
}
