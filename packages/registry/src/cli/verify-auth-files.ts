import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseJwkSet, parsePasswordList, parsePemBundle, type ItemProblem } from "@longshore/auth";
import { type AuthConfig, type Config } from "../config/config.js";
import { error, type Finding, warning } from "../config/findings.js";
import { type Path } from "../config/yaml/tree.js";

/** Looks at the files of access control and of the audit log, changing none. */
export async function checkAuthFiles({ auth, log }: Config): Promise<Finding[]> {
  const audit = log.audit === undefined ? [] : await checkAuditFile(log.audit.target);
  if (auth.type === "htpasswd") return [...(await checkPasswords(textOf(auth, "path"))), ...audit];
  if (auth.type !== "token") return audit;
  const bundle = textOf(auth, "rootcertbundle");
  const jwks = textOf(auth, "jwks");
  return [
    ...(bundle === undefined ? [] : await checkKeys(["auth", "token", "rootcertbundle"], bundle, readBundle)),
    // A set at a URL is fetched by the server: verify asks nobody anything.
    ...(jwks === undefined || /^https?:/i.test(jwks)
      ? []
      : await checkKeys(["auth", "token", "jwks"], jwks, (text) => parseJwkSet(text))),
    ...audit,
  ];
}

function textOf({ parameters }: AuthConfig, key: string): string | undefined {
  const value = parameters[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

async function checkPasswords(file: string | undefined): Promise<Finding[]> {
  const path = ["auth", "htpasswd", "path"];
  if (file === undefined) return [];
  const bytes = await read(path, file);
  if (bytes === "missing") {
    return [warning(path, undefined, `${file} isn't there; the start makes it, with a generated password in the log`)];
  }
  if (!Buffer.isBuffer(bytes)) return [bytes];
  const { hashes, problems } = parsePasswordList(bytes);
  const lines = problems.map(({ line, reason }) => warning(path, undefined, `${file}: line ${line}: ${reason}`));
  if (hashes.size > 0) return lines;
  return [...lines, warning(path, undefined, `${file} has no user with a bcrypt hash: nobody could log in`)];
}

interface Keys {
  readonly found: number;
  readonly problems: readonly ItemProblem[];
}

function readBundle(text: string): Keys {
  const { certificates, problems } = parsePemBundle(text);
  return { found: certificates.length, problems };
}

async function checkKeys(
  path: Path,
  file: string,
  parse: (text: string) => Keys | ReturnType<typeof parseJwkSet>,
): Promise<Finding[]> {
  const bytes = await read(path, file);
  if (bytes === "missing") return [error(path, undefined, `${file} can't be read (ENOENT)`)];
  if (!Buffer.isBuffer(bytes)) return [bytes];
  try {
    const parsed = parse(bytes.toString("utf8"));
    const found = "found" in parsed ? parsed.found : parsed.keys.length;
    // A bundle is refused whole at the start; of a key set what can't be used is left out.
    const say = "found" in parsed ? error : warning;
    const findings = parsed.problems.map(({ item, reason }) =>
      say(path, undefined, `${file}: entry ${item}: ${reason}`),
    );
    if (found > 0) return findings;
    return [...findings, error(path, undefined, `${file} holds nothing that can verify a token`)];
  } catch (cause) {
    return [error(path, undefined, `${file}: ${cause instanceof Error ? cause.message : "it can't be read"}`)];
  }
}

async function read(path: Path, file: string): Promise<Buffer | "missing" | Finding> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    return code === "ENOENT" ? "missing" : error(path, undefined, `${file} can't be read (${code})`);
  }
}

async function checkAuditFile(target: string): Promise<Finding[]> {
  if (target === "stdout" || target === "stderr") return [];
  const path = ["log", "audit", "target"];
  const info = await stat(target).catch(() => undefined);
  if (info?.isDirectory()) return [error(path, undefined, `${target} is a directory; name a file in it`)];
  if (info !== undefined) return [];
  const folder = dirname(resolve(target));
  const there = await stat(folder).catch(() => undefined);
  return there?.isDirectory() === true
    ? []
    : [error(path, undefined, `the directory ${folder} isn't there; make it first`)];
}
