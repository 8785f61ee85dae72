import { constants, type Stats } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { error, type Finding } from "../../config/findings.js";
import type { Path } from "@longshore/options/report";

/** Checks that the directory can be written to, or created if it is missing. */
export async function checkDirectory(
  path: Path,
  directory: string,
  unwritable: (path: Path, message: string) => Finding = (path, message) => error(path, undefined, message),
): Promise<Finding[]> {
  let place = resolve(directory);
  for (;;) {
    const info = await statOf(place);
    if (info === "missing" && place !== dirname(place)) place = dirname(place);
    else if (info === "unreadable" || info === "missing") return [error(path, undefined, `${place} can't be examined`)];
    else if (!info.isDirectory()) return [error(path, undefined, `${place} is not a directory`)];
    else break;
  }
  if (await allows(place, constants.W_OK | constants.X_OK)) return [];
  const what =
    place === resolve(directory) ? `${place} isn't writable` : `${directory} can't be created: ${place} isn't writable`;
  return [unwritable(path, `${what} by this user; change its owner or permissions`)];
}

/** What is at `path`, or why that is unknown. */
export async function statOf(path: string): Promise<Stats | "missing" | "unreadable"> {
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
