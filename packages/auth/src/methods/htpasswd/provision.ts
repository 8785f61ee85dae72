import { hasErrno } from "@longshore/base/errno";
import { makeDirectories } from "@longshore/base/make-directories";
import { randomBytes } from "node:crypto";
import { access, link, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import bcrypt from "bcryptjs";
import type { AuthLog } from "../../ports.js";
import { DEFAULT_COST } from "./password-list.js";

const USER = "docker";

async function isMissing(path: string): Promise<boolean> {
  try {
    await access(path);
    return false;
  } catch (error) {
    // A file that exists but can't be accessed is reported when it is read.
    return hasErrno(error, "ENOENT");
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

/** The errors of file systems without hard links. */
const NO_LINKS = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"];

async function linkOrWrite(temporary: string, path: string, text: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!hasErrno(error, ...NO_LINKS)) throw error;
    await writeNew(path, text);
  }
}

/** Creates `path` atomically. False: another process created it first, as workers that start together may. */
async function createWhole(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeNew(temporary, text);
    await linkOrWrite(temporary, path, text);
    return true;
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Writes an htpasswd file with the user `docker` and a random password if there is none, and logs a warning with the
 * password, as Distribution does (wire contract §4.3): it is shown nowhere else, and without it there is no way to log in.
 */
export async function provisionPasswordFile(path: string, log: AuthLog): Promise<void> {
  if (!(await isMissing(path))) return;
  const password = randomBytes(32).toString("base64url");
  await makeDirectories(dirname(path), 0o700);
  const created = await createWhole(path, `${USER}:${await bcrypt.hash(password, DEFAULT_COST)}`);
  if (!created) return;
  const message = "htpasswd is missing, provisioning with default user";
  if (log.disclose === undefined) log.warn(message, { user: USER, password });
  else log.disclose(message, { user: USER, password });
}
