import { errnoOf } from "@longshore/base/errno";
import { DIRECTORY_IN_PLACE } from "@longshore/base/watched-file";
import type { Remark } from "@longshore/options/kind";
import { readFile } from "node:fs/promises";

/** The bytes of the file that the option at `path` names, `missing`, or why it can't be read. */
export async function readConfigFile(path: Remark["path"], file: string): Promise<Buffer | "missing" | Remark> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = errnoOf(error) ?? "unreadable";
    if (code === "ENOENT") return "missing";
    const reason = code === "EISDIR" ? `can't be used: ${DIRECTORY_IN_PLACE}` : `can't be read (${code})`;
    return { severity: "error", path, message: `${file} ${reason}` };
  }
}
