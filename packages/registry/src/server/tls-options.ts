import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { TlsOptions } from "node:tls";
import { CIPHER_SUITES, DEFAULT_CIPHER_SUITES } from "../config/cipher-suites.js";
import type { ClientAuth, TlsConfig } from "../config/config.js";

/** A TLS setting that can't work; the message names the key and the file. */
class TlsError extends Error {
  override readonly name = "TlsError";
}

/** What the client-auth modes (Go's tls.ClientAuthType) mean here. */
interface ClientAuthMode {
  readonly requestCert: boolean;
  /** A connection without any certificate is refused. */
  readonly required: boolean;
  /** A certificate that no client CA signed is refused. */
  readonly verified: boolean;
}

const MODES: Readonly<Record<ClientAuth, ClientAuthMode>> = {
  "request-client-cert": { requestCert: true, required: false, verified: false },
  "require-any-client-cert": { requestCert: true, required: true, verified: false },
  "verify-client-cert-if-given": { requestCert: true, required: false, verified: true },
  "require-and-verify-client-cert": { requestCert: true, required: true, verified: true },
};

/** How clients prove themselves; without client CAs they aren't asked (contract §3.3 http). */
export function clientAuthMode(config: TlsConfig): ClientAuthMode {
  if (config.clientcas.length === 0) return { requestCert: false, required: false, verified: false };
  return MODES[config.clientauth];
}

/** Reads certificate, key and client CAs. Throws TlsError. */
export async function loadTlsOptions(config: TlsConfig, protocols: readonly string[]): Promise<TlsOptions> {
  const [cert, key, ca] = await Promise.all([
    readPem("http.tls.certificate", config.certificate),
    readPem("http.tls.key", config.key),
    Promise.all(config.clientcas.map((path) => readPem("http.tls.clientcas", path))),
  ]);
  checkPair(config, cert, key);
  const mode = clientAuthMode(config);
  return {
    cert,
    key,
    ...(ca.length > 0 ? { ca } : {}),
    requestCert: mode.requestCert,
    // Only the strictest mode can be left to the library; the others decide when the handshake is over.
    rejectUnauthorized: mode.required && mode.verified,
    minVersion: config.minimumtls === "tls1.3" ? "TLSv1.3" : "TLSv1.2",
    ciphers: cipherList(config),
    honorCipherOrder: true,
    ALPNProtocols: [...protocols],
  };
}

/** OpenSSL's list for the suites. TLS 1.3 suites always stay on offer, as in the original. */
function cipherList(config: TlsConfig): string {
  const chosen =
    config.minimumtls === "tls1.3" || config.ciphersuites.length === 0 ? DEFAULT_CIPHER_SUITES : config.ciphersuites;
  const modern = DEFAULT_CIPHER_SUITES.filter((name) => !name.includes("_WITH_"));
  return [...new Set([...modern, ...chosen])].map((name) => CIPHER_SUITES[name]).join(":");
}

async function readPem(key: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new TlsError(`${key}: can't read ${path} (${reason})`, { cause: error });
  }
}

function checkPair(config: TlsConfig, cert: Buffer, key: Buffer): void {
  const certificate = attempt(
    () => new X509Certificate(cert),
    `http.tls.certificate: ${config.certificate} holds no PEM certificate`,
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    `http.tls.key: ${config.key} holds no usable PEM private key`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TlsError(`http.tls.key: ${config.key} does not belong to the certificate ${config.certificate}`);
  }
}

function attempt<T>(work: () => T, complaint: string): T {
  try {
    return work();
  } catch (error) {
    throw new TlsError(complaint, { cause: error });
  }
}
