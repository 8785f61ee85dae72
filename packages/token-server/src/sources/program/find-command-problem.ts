import { errnoOf } from "@longshore/base/errno";
import { access, constants, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";

/** Why a program can't be started; undefined if it probably can. */
export async function findCommandProblem(command: string): Promise<string | undefined> {
  if (!isAbsolute(command)) return `${command} isn't a whole path, such as /usr/local/bin/verify-login`;
  try {
    if (!(await stat(command)).isFile()) return `${command} isn't a file`;
    await access(command, constants.X_OK);
    return undefined;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT") return `${command} is missing`;
    return code === "EACCES" ? `${command} can't be executed by this user; see chmod +x` : `${command} can't be used`;
  }
}
