import { readFile } from "node:fs/promises";
import tls from "node:tls";
import { errnoOf } from "@longshore/base/errno";
import { placeOfKey, readCertificates, readPrivateKey, wrongPlace } from "@longshore/base/pem";

/** TLS towards an upstream, as it is configured. */
export interface TlsSettings {
  /** Files of certificate authorities, in addition to the system's. */
  readonly ca: readonly string[];
  /** Our own certificate and its key, for upstreams that ask for one; both or none. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** Takes any certificate of the upstream's own host. */
  readonly insecure: boolean;
}

/** What Node's TLS is given. */
export interface TlsMaterial {
  /** Undefined: what Node trusts by itself. */
  readonly ca: string[] | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** A file of the TLS settings can't be used. */
export class TlsFileError extends Error {
  override readonly name = "TlsFileError";
}

/** Reads the files. Throws {@link TlsFileError} with what is wrong and what to do. */
export async function readTlsMaterial({ ca, certificate, key }: TlsSettings): Promise<TlsMaterial> {
  const authorities = await Promise.all(ca.map(readAuthorities));
  return {
    ca: ca.length === 0 ? undefined : [...systemAuthorities(), ...authorities.flat()],
    ...(await readClientCertificate(certificate, key)),
  };
}

async function readAuthorities(path: string): Promise<string[]> {
  const { value, problem } = readCertificates(await readPem(path), path);
  if (value === undefined) throw new TlsFileError(`${path} ${problem}`);
  return value.map((each) => each.toString());
}

async function readClientCertificate(
  certificate: string | undefined,
  key: string | undefined,
): Promise<Pick<TlsMaterial, "cert" | "key">> {
  if (certificate === undefined || key === undefined) return { cert: undefined, key: undefined };
  const [certBytes, keyBytes] = await Promise.all([readPem(certificate), readPem(key)]);
  const certificates = readCertificates(certBytes, certificate);
  if (certificates.value === undefined) throw new TlsFileError(`${certificate} ${certificates.problem}`);
  const privateKey = readPrivateKey(keyBytes, key);
  if (privateKey.value === undefined) throw new TlsFileError(`${key} ${privateKey.problem}`);
  const place = placeOfKey(certificates.value, privateKey.value);
  if (place < 0) throw new TlsFileError(`${key} is the key of another certificate than ${certificate}`);
  if (place > 0) throw new TlsFileError(`${certificate} ${wrongPlace(place)}`);
  return { cert: certBytes.toString("utf8"), key: keyBytes.toString("utf8") };
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TlsFileError(`${path} can't be read (${errnoOf(cause) ?? "unknown fault"})`, { cause });
  }
}

/** What Node trusts by itself. Node 20 can't tell what NODE_EXTRA_CA_CERTS adds. */
function systemAuthorities(): readonly string[] {
  const read: unknown = Reflect.get(tls, "getCACertificates");
  const found: unknown = typeof read === "function" ? Reflect.apply(read, tls, ["default"]) : undefined;
  return Array.isArray(found) ? found.filter((each) => typeof each === "string") : tls.rootCertificates;
}
