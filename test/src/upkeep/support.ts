import { attempt, type Result } from "@longshore/testkit/processes";
import { PROGRAM } from "@longshore/testkit/project";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Runs a command of the registry. */
export type Command = (...args: readonly string[]) => Promise<Result>;

/** Writes a configuration of the storage at `root` into `folder`, and returns its path. */
export async function configurationOf(folder: string, root: string, name = "upkeep.yml"): Promise<string> {
  const path = join(folder, name);
  const storage = { filesystem: { rootdirectory: root } };
  await writeFile(path, JSON.stringify({ version: 0.1, storage }));
  return path;
}

/** `command("repository list", "--long")`: the configuration's path comes first among the operands. */
export function commandsOver(configuration: string): Command {
  return (words = "", ...args) => attempt(process.execPath, [PROGRAM, ...words.split(" "), configuration, ...args]);
}
