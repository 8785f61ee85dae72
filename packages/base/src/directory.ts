import { constants, type Stats } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errnoOf } from "./errno.js";

/** Why a directory can't be used. */
export interface DirectoryProblem {
  /** `unwritable`: it can be read, or its nearest existing parent can. */
  readonly kind: "unwritable" | "unusable";
  /** What is wrong and what to do, with the path. */
  readonly message: string;
}

/** Checks, without changing anything, that `directory` is writable, or can be created if it is missing; undefined if so. */
export async function findDirectoryProblem(directory: string): Promise<DirectoryProblem | undefined> {
  let place = resolve(directory);
  for (;;) {
    const info = await statOf(place);
    if (info === "missing" && place !== dirname(place)) place = dirname(place);
    else if (info === "unreadable" || info === "missing") {
      return { kind: "unusable", message: `${place} can't be accessed` };
    } else if (!info.isDirectory()) return { kind: "unusable", message: `${place} is not a directory` };
    else break;
  }
  if (await allows(place, constants.W_OK | constants.X_OK)) return undefined;
  const what =
    place === resolve(directory) ? `${place} isn't writable` : `${directory} can't be created: ${place} isn't writable`;
  return { kind: "unwritable", message: `${what} by this user; change its owner or permissions` };
}

/** The status of `path`, or why it is unknown. */
export async function statOf(path: string): Promise<Stats | "missing" | "unreadable"> {
  try {
    return await stat(path);
  } catch (error) {
    return errnoOf(error) === "ENOENT" ? "missing" : "unreadable";
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
