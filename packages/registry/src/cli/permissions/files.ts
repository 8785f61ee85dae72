import { constants, type Stats } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errnoOf, hasErrno } from "@longshore/base/errno";
import type { FileUse } from "@longshore/options/declare";

/** What keeps this user from using a file or directory; undefined also if nobody could: that isn't for another user to solve. */
export async function findFileProblem(name: string, use: FileUse): Promise<string | undefined> {
  const path = resolve(name);
  let info: Stats;
  try {
    info = await stat(path);
  } catch (error) {
    // A link or a mount that is broken, which the start will report.
    if (!hasErrno(error, "ENOENT", "EACCES")) return undefined;
    if (errnoOf(error) === "EACCES") return `${path} can't be reached`;
    return use === "read" || path === dirname(path) ? undefined : findFileProblem(dirname(path), "write");
  }
  const write = use === "write" ? constants.W_OK : 0;
  const search = info.isDirectory() ? constants.X_OK : 0;
  return findAccessProblem(path, constants.R_OK | write | search);
}

/** What keeps this user from accessing what is at `path` in this way (`fs.constants`). */
export async function findAccessProblem(path: string, mode: number): Promise<string | undefined> {
  try {
    await access(path, mode);
    return undefined;
  } catch (error) {
    // Nobody can write to this file system.
    if (errnoOf(error) === "EROFS") return findAccessProblem(path, mode & ~constants.W_OK);
    // Otherwise it has gone.
    if (!hasErrno(error, "EACCES", "EPERM")) return undefined;
    const isWriting =
      (mode & constants.W_OK) !== 0 && (await findAccessProblem(path, mode & ~constants.W_OK)) === undefined;
    return `${path} can't be ${isWriting ? "written to" : "read"}${await describeOwner(path)}`;
  }
}

async function describeOwner(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return "";
  const mode = (info.mode & 0o777).toString(8).padStart(3, "0");
  return `: its owner is ${info.uid}:${info.gid}, its mode ${mode}`;
}
