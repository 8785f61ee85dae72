import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Config, type TlsConfig } from "../config/config.js";
import { error, type Finding, warning } from "../config/findings.js";
import { type Path } from "../config/yaml/tree.js";
import { checkAuthFiles } from "./verify-auth-files.js";

/** Looks at every file and directory that a configuration names, changing none of them; `now` is for certificates. */
export async function checkFiles(config: Config, now: Date): Promise<Finding[]> {
  const { http } = config;
  return [
    ...(http.tls ? await checkTls(http.tls, now) : []),
    ...(config.redis?.tls ? await checkRedisTls(config.redis.tls, now) : []),
    ...(await checkAuthFiles(config)),
    ...(await checkMiddleware(config)),
    ...(http.net === "unix" ? await checkSocket(http.addr) : []),
    ...(await checkRoot(config)),
  ];
}

/**
 * Looks at the directory of the file system storage. One that can't be written is a warning: the original serves pulls from
 * such a volume, too.
 */
export async function checkRoot({ storage }: Config): Promise<Finding[]> {
  const root = storage.parameters["rootdirectory"] ?? "/var/lib/registry";
  if (storage.type !== "filesystem" || typeof root !== "string") return [];
  const findings = await checkDirectory(["storage", "filesystem", "rootdirectory"], root, (path, message) =>
    warning(path, undefined, `${message}; until then pushes fail`),
  );
  return storage.maintenance.readonly.enabled ? findings.filter(({ severity }) => severity === "error") : findings;
}

/** Whether the directory can be written, or be made if it isn't there. */
async function checkDirectory(
  path: Path,
  directory: string,
  unwritable: (path: Path, message: string) => Finding = (path, message) => error(path, undefined, message),
): Promise<Finding[]> {
  let place = resolve(directory);
  for (;;) {
    const info = await statOf(place);
    if (info === "missing" && place !== dirname(place)) place = dirname(place);
    else if (info === "unreadable" || info === "missing")
      return [error(path, undefined, `${place} can't be looked at`)];
    else if (!info.isDirectory()) return [error(path, undefined, `${place} is not a directory`)];
    else break;
  }
  if (await allows(place, constants.W_OK | constants.X_OK)) return [];
  const what =
    place === resolve(directory)
      ? `${place} can't be written`
      : `${directory} can't be made: ${place} can't be written`;
  return [unwritable(path, `${what} by this user; change its owner or permissions`)];
}

/** The key that signs addresses of CloudFront. Over another storage than S3 nothing reads it. */
async function checkMiddleware({ middleware, storage }: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (storage.type !== "s3" && storage.type !== "s3aws") return findings;
  for (const { index, middleware: each } of middleware.storage) {
    if (each.name !== "cloudfront") continue;
    const path = ["middleware", "storage", index, "options", "privatekey"];
    const file = each.options.privateKey;
    const key = await readPem(path, file, readKey, findings);
    if (key !== undefined && key.asymmetricKeyType !== "rsa") {
      findings.push(error(path, undefined, `${file} holds a key that isn't RSA; CloudFront takes RSA keys here`));
    }
  }
  return findings;
}

async function checkSocket(socket: string): Promise<Finding[]> {
  const path = ["http", "addr"];
  const info = await statOf(socket);
  if (info === "missing" || info === "unreadable") return checkDirectoryExists(path, dirname(resolve(socket)));
  return info.isSocket() ? [] : [error(path, undefined, `${socket} is there already and is not a socket`)];
}

async function checkDirectoryExists(path: Path, directory: string): Promise<Finding[]> {
  const info = await statOf(directory);
  const there = typeof info !== "string" && info.isDirectory();
  return there
    ? checkDirectory(path, directory)
    : [error(path, undefined, `the directory ${directory} isn't there; make it first`)];
}

async function checkTls(tls: TlsConfig, now: Date): Promise<Finding[]> {
  const own = await checkPair(["http", "tls"], tls.certificate, tls.key, now, "clients will refuse it");
  return [...own, ...(await checkAuthorities(["http", "tls", "clientcas"], tls.clientcas, now))];
}

async function checkRedisTls(tls: NonNullable<NonNullable<Config["redis"]>["tls"]>, now: Date): Promise<Finding[]> {
  const { certificate, key, rootCas } = tls;
  const own =
    certificate === undefined || key === undefined
      ? []
      : await checkPair(["redis", "tls"], certificate, key, now, "Redis will refuse it");
  return [...own, ...(await checkAuthorities(["redis", "tls", "rootcas"], rootCas, now))];
}

async function checkPair(
  section: Path,
  certificateFile: string,
  keyFile: string,
  now: Date,
  consequence: string,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const certificatePath = [...section, "certificate"];
  const keyPath = [...section, "key"];
  const certificate = await readPem(certificatePath, certificateFile, readCertificate, findings);
  const key = await readPem(keyPath, keyFile, readKey, findings);
  if (certificate && key && !certificate.checkPrivateKey(key)) {
    findings.push(error(keyPath, undefined, `${keyFile} is not the key of the certificate ${certificateFile}`));
  }
  if (certificate) findings.push(...checkDates(certificatePath, certificateFile, certificate, now, consequence));
  return findings;
}

async function checkAuthorities(list: Path, files: readonly string[], now: Date): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [index, file] of files.entries()) {
    const path = [...list, index];
    const ca = await readPem(path, file, readCertificate, findings);
    if (ca) findings.push(...checkDates(path, file, ca, now, "what it signed will be refused"));
  }
  return findings;
}

function checkDates(path: Path, file: string, certificate: X509Certificate, now: Date, consequence: string): Finding[] {
  if (new Date(certificate.validTo) < now) {
    return [warning(path, undefined, `${file} expired on ${certificate.validTo}; ${consequence}`)];
  }
  if (new Date(certificate.validFrom) > now) {
    return [
      warning(path, undefined, `${file} is not valid before ${certificate.validFrom}; ${consequence} until then`),
    ];
  }
  return [];
}

/** What a PEM file holds; undefined after a finding was added. */
async function readPem<T extends X509Certificate | KeyObject>(
  path: Path,
  file: string,
  read: (bytes: Buffer) => T | undefined,
  findings: Finding[],
): Promise<T | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    findings.push(error(path, undefined, `${file} can't be read (${code})`));
    return undefined;
  }
  const value = read(bytes);
  if (!value)
    findings.push(error(path, undefined, `${file} holds nothing usable; expected a PEM file without a passphrase`));
  return value;
}

function readCertificate(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes);
  } catch {
    return undefined;
  }
}

function readKey(bytes: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(bytes);
  } catch {
    return undefined;
  }
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    return code === "ENOENT" ? "missing" : "unreadable";
  }
}

async function allows(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}
