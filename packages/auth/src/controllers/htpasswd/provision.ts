import { randomBytes } from "node:crypto";
import { access, link, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import bcrypt from "bcryptjs";
import type { AuthLog } from "../../ports.js";
import { DEFAULT_COST } from "./password-list.js";

const USER = "docker";

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await access(path);
    return false;
  } catch (error) {
    // What is there and can't be looked at is for the reader to complain about.
    return codeOf(error) === "ENOENT";
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What file systems without hard links answer. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"]);

async function linkOrWrite(temporary: string, path: string, text: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!NO_LINKS.has(codeOf(error))) throw error;
    await writeNew(path, text);
  }
}

/** Creates `path` whole or not at all. False: somebody else did meanwhile, as workers that start together do. */
async function createWhole(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeNew(temporary, text);
    await linkOrWrite(temporary, path, text);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Writes an htpasswd file with the user `docker` and a random password where there is none, and warns with the password, as
 * the original does (contract §4.3): it is shown nowhere else, and nobody could log in without it.
 */
export async function provisionPasswordFile(path: string, log: AuthLog): Promise<void> {
  if (!(await isMissing(path))) return;
  const password = randomBytes(32).toString("base64url");
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const created = await createWhole(path, `${USER}:${await bcrypt.hash(password, DEFAULT_COST)}`);
  if (!created) return;
  const message = "htpasswd is missing, provisioning with default user";
  if (log.disclose === undefined) log.warn(message, { user: USER, password });
  else log.disclose(message, { user: USER, password });
}
