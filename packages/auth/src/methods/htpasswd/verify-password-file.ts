import { findDirectoryProblem } from "@longshore/base/directory";
import type { Remark } from "@longshore/options/kind";
import { dirname, resolve } from "node:path";
import { readConfigFile } from "../../keys/read-config-file.js";
import { parsePasswordList } from "./password-list.js";

const PATH = ["path"];

/** Checks that the file can be read, or created if it is missing, and that at least one user can log in. */
export async function verifyPasswordFile(file: string): Promise<readonly Remark[]> {
  const bytes = await readConfigFile(PATH, file);
  if (bytes === "missing") return [await verifyCreation(file)];
  if (!Buffer.isBuffer(bytes)) return [bytes];
  const { hashes, problems } = parsePasswordList(bytes);
  const lines = problems.map(({ line, reason }) => warning(`${file}: line ${line}: ${reason}`));
  if (hashes.size > 0) return lines;
  return [...lines, warning(`${file} has no user with a bcrypt hash: no one could log in`)];
}

async function verifyCreation(file: string): Promise<Remark> {
  const problem = await findDirectoryProblem(dirname(resolve(file)));
  if (problem === undefined) {
    return warning(`${file} is missing; the registry creates it when it starts, with a generated password in the log`);
  }
  const remedy = "create it with htpasswd -Bc, or let the registry create it in a directory that it can write to";
  return { severity: "error", path: PATH, message: `${file} is missing, and ${problem.message}; ${remedy}` };
}

function warning(message: string): Remark {
  return { severity: "warning", path: PATH, message };
}
