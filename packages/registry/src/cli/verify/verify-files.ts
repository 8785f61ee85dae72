import type { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  findChainProblem,
  type PemResult,
  placeOfKey,
  readCertificates,
  readPrivateKey,
  wrongPlace,
} from "@longshore/base/pem";
import type { Config, TlsConfig } from "../../config/config.js";
import { error, type Finding, warning } from "../../config/findings.js";
import type { Path } from "@longshore/options/report";
import { openCertificateCache } from "../../certificates/cache-directory.js";
import { loadTlsOptions } from "../../server/listeners/tls-options.js";
import { checkDirectory, statOf } from "./verify-directory.js";

/** Checks every file and directory that a configuration names, changing none. `now` is for the dates of certificates. */
export async function checkFiles(config: Config, now: Date): Promise<Finding[]> {
  const { http } = config;
  return [
    ...(http.tls ? await checkTls(http.tls, now) : []),
    ...(config.redis?.tls ? await checkRedisTls(config.redis.tls, now) : []),
    ...(await checkAudit(config)),
    ...(http.net === "unix" ? await checkSocket(http.addr) : []),
  ];
}

/** Checks that the audit log's file can be opened. */
async function checkAudit({ log }: Config): Promise<Finding[]> {
  const target = log.audit?.target;
  if (target === undefined || target === "stdout" || target === "stderr") return [];
  const path = ["log", "audit", "target"];
  const info = await stat(target).catch(() => undefined);
  if (info?.isDirectory()) return [error(path, undefined, `${target} is a directory; name a file in it`)];
  if (info !== undefined) return [];
  const folder = dirname(resolve(target));
  const there = await stat(folder).catch(() => undefined);
  return there?.isDirectory() === true
    ? []
    : [error(path, undefined, `the directory ${folder} is missing; create it first`)];
}

async function checkSocket(socket: string): Promise<Finding[]> {
  const path = ["http", "addr"];
  const info = await statOf(socket);
  if (info === "missing" || info === "unreadable") return checkDirectoryExists(path, dirname(resolve(socket)));
  return info.isSocket() ? [] : [error(path, undefined, `${socket} exists and is not a socket`)];
}

async function checkDirectoryExists(path: Path, directory: string): Promise<Finding[]> {
  const info = await statOf(directory);
  const there = typeof info !== "string" && info.isDirectory();
  return there
    ? checkDirectory(path, directory)
    : [error(path, undefined, `the directory ${directory} is missing; create it first`)];
}

async function checkTls(tls: TlsConfig, now: Date): Promise<Finding[]> {
  const { source } = tls;
  const own =
    source.kind === "files"
      ? await checkPair(["http", "tls"], source.certificate, source.key, now, "clients will refuse it")
      : await checkCertificateCache(source, now);
  const findings = [...own, ...(await checkAuthorities(["http", "tls", "clientcas"], tls.clientcas, now))];
  if (findings.some(({ severity }) => severity === "error")) return findings;
  try {
    await loadTlsOptions(tls, []);
    return findings;
  } catch (cause) {
    return [...findings, error(["http", "tls"], undefined, cause instanceof Error ? cause.message : "can't be used")];
  }
}

/** What can be known without asking the authority: whether the cache can be kept, and what is in it. */
async function checkCertificateCache(
  { cachefile, hosts }: Extract<TlsConfig["source"], { kind: "letsencrypt" }>,
  now: Date,
): Promise<Finding[]> {
  const path = ["http", "tls", "letsencrypt", "cachefile"];
  const cache = await openCertificateCache(cachefile);
  if (cache.isFile) {
    const message = `${cachefile} is a file of registry:2, which is read and left as it is; new certificates are kept on the storage`;
    return [warning(path, undefined, message)];
  }
  const findings = await checkDirectory(path, cachefile);
  for (const host of hosts) {
    const pair = await cache.readPair(host);
    if (pair !== undefined && pair.notAfter < now.getTime()) {
      const message = `the certificate of ${host} in ${cachefile} expired on ${new Date(pair.notAfter).toISOString()}; the registry orders another when it starts`;
      findings.push(warning(path, undefined, message));
    }
  }
  return findings;
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
  const certificates = await readPem(certificatePath, certificateFile, readCertificates, findings);
  const key = await readPem(keyPath, keyFile, readPrivateKey, findings);
  const place = certificates && key ? placeOfKey(certificates, key) : 0;
  if (place < 0) {
    findings.push(error(keyPath, undefined, `${keyFile} is not the key of the certificate ${certificateFile}`));
  }
  if (place > 0) findings.push(error(certificatePath, undefined, `${certificateFile} ${wrongPlace(place)}`));
  const [own] = certificates ?? [];
  if (certificates === undefined || own === undefined) return findings;
  const order = place === 0 ? findChainProblem(certificates) : undefined;
  if (order !== undefined)
    findings.push(warning(certificatePath, undefined, `${certificateFile} ${order}, or clients may refuse it`));
  return [...findings, ...checkDates(certificatePath, certificateFile, own, now, consequence)];
}

async function checkAuthorities(list: Path, files: readonly string[], now: Date): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [index, file] of files.entries()) {
    const path = [...list, index];
    const cas = await readPem(path, file, readCertificates, findings);
    for (const ca of cas ?? [])
      findings.push(...checkDates(path, file, ca, now, "certificates it signed will be refused"));
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

/** The contents of a PEM file; undefined if a finding was added. */
async function readPem<T>(
  path: Path,
  file: string,
  read: (bytes: Buffer, file: string) => PemResult<T>,
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
  const { value, problem } = read(bytes, file);
  if (problem !== undefined) findings.push(error(path, undefined, `${file} ${problem}`));
  return value;
}
