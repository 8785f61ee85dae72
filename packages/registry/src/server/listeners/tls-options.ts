import { errnoOf } from "@longshore/base/errno";
import { readFile } from "node:fs/promises";
import { createSecureContext, type TlsOptions } from "node:tls";
import { type PemResult, placeOfKey, readCertificates, readPrivateKey, wrongPlace } from "@longshore/base/pem";
import { CIPHER_SUITES, DEFAULT_CIPHER_SUITES } from "../../config/cipher-suites.js";
import type { ClientAuth, TlsConfig, TlsFiles } from "../../config/config.js";

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

/** How clients authenticate; without client CAs no certificate is requested (wire contract §3.3 http). */
export function clientAuthMode(config: TlsConfig): ClientAuthMode {
  if (config.clientcas.length === 0) return { requestCert: false, required: false, verified: false };
  return MODES[config.clientauth];
}

/**
 * Reads the client CAs, and certificate and key where they are files; an authority's certificates come later. Throws TlsError.
 */
export async function loadTlsOptions(config: TlsConfig, protocols: readonly string[]): Promise<TlsOptions> {
  const { source } = config;
  const [pair, ca] = await Promise.all([
    source.kind === "files" ? readPair(source) : undefined,
    Promise.all(config.clientcas.map(readAuthorities)),
  ]);
  const mode = clientAuthMode(config);
  const options: TlsOptions = {
    ...pair,
    ...(ca.length > 0 ? { ca } : {}),
    requestCert: mode.requestCert,
    // Only the strictest mode can be left to the library; the others decide when the handshake is over.
    rejectUnauthorized: mode.required && mode.verified,
    minVersion: config.minimumtls === "tls1.3" ? "TLSv1.3" : "TLSv1.2",
    ciphers: cipherList(config),
    // OpenSSL writes P256 as P-256.
    ...(config.curves.length > 0 ? { ecdhCurve: config.curves.map((name) => name.replace(/^P/, "P-")).join(":") } : {}),
    honorCipherOrder: true,
    ALPNProtocols: [...protocols],
  };
  checkContext(config, options);
  return options;
}

/** OpenSSL's list for the suites. TLS 1.3 suites always stay on offer, as in Distribution. */
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
    const reason = errnoOf(error) ?? "unreadable";
    throw new TlsError(`${key}: can't read ${path} (${reason})`, { cause: error });
  }
}

async function readPair({ certificate, key }: TlsFiles): Promise<{ cert: Buffer; key: Buffer }> {
  const [cert, keyBytes] = await Promise.all([
    readPem("http.tls.certificate", certificate),
    readPem("http.tls.key", key),
  ]);
  const certificates = usable("http.tls.certificate", certificate, readCertificates(cert, certificate));
  const privateKey = usable("http.tls.key", key, readPrivateKey(keyBytes, key));
  const place = placeOfKey(certificates, privateKey);
  if (place < 0) throw new TlsError(`http.tls.key: ${key} does not belong to the certificate ${certificate}`);
  if (place > 0) throw new TlsError(`http.tls.certificate: ${certificate} ${wrongPlace(place)}`);
  return { cert, key: keyBytes };
}

async function readAuthorities(file: string): Promise<Buffer> {
  const bytes = await readPem("http.tls.clientcas", file);
  usable("http.tls.clientcas", file, readCertificates(bytes, file));
  return bytes;
}

function usable<T>(key: string, file: string, { value, problem }: PemResult<T>): T {
  if (problem !== undefined) throw new TlsError(`${key}: ${file} ${problem}`);
  return value;
}

/** Creates the context of all connections once, since a server that can't make it ends without the name of a key. */
function checkContext(config: TlsConfig, options: TlsOptions): void {
  try {
    createSecureContext(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown error";
    const { source } = config;
    const what = source.kind === "files" ? `${source.certificate} and ${source.key}` : "its settings";
    throw new TlsError(`http.tls: ${what} can't be used: ${reason}`, { cause: error });
  }
}
