import { constants } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { findAccessProblem, findFileProblem } from "./files.js";

/** The most directories that are looked at: the start of a registry with a million of them must not wait for its disk. */
const LARGEST_SAMPLE = 4096;

/** The most files and the most directories in one directory that are looked at. */
const LARGEST_SHARE = 512;

const AT_A_TIME = 32;

/** What the registry keeps in its root directory; a volume may also have a `lost+found`, which is nobody's business. */
const OWN = ["docker", "longshore"];

/**
 * What keeps this user from working on the storage in a root directory; undefined if nothing was found. Of a large storage, a
 * sample is looked at that reaches every level: what another user wrote there for a while is hardly ever a single directory.
 */
export async function findTreeProblem(root: string): Promise<string | undefined> {
  const problem = await findFileProblem(root, "write");
  if (problem !== undefined) return problem;
  let level: readonly string[] = OWN.map((name) => join(root, name));
  let left = LARGEST_SAMPLE;
  while (level.length > 0 && left > 0) {
    const looked = sample(level, Math.ceil(left / 2));
    left -= looked.length;
    const next: string[] = [];
    for (let start = 0; start < looked.length; start += AT_A_TIME) {
      const found = await Promise.all(looked.slice(start, start + AT_A_TIME).map(look));
      for (const each of found) {
        if (each.problem !== undefined) return each.problem;
        for (const directory of each.directories) next.push(directory);
      }
    }
    level = next;
  }
  return undefined;
}

interface Look {
  readonly problem: string | undefined;
  readonly directories: readonly string[];
}

async function look(directory: string): Promise<Look> {
  const problem = await findAccessProblem(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  if (problem !== undefined) return { problem, directories: [] };
  // A registry that serves may remove it meanwhile.
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const pathOf = (entry: { readonly name: string }) => join(directory, entry.name);
  for (const file of sample(
    entries.filter((entry) => entry.isFile()),
    LARGEST_SHARE,
  )) {
    // Who may write to it, if not its owner, may set its time: a push of what is there already does.
    const unusable = await findAccessProblem(pathOf(file), constants.R_OK | constants.W_OK);
    if (unusable !== undefined) return { problem: unusable, directories: [] };
  }
  const directories = sample(
    entries.filter((entry) => entry.isDirectory()),
    LARGEST_SHARE,
  );
  return { problem: undefined, directories: directories.map(pathOf) };
}

/** At most `most` of them, evenly spread. */
function sample<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, index) => all[Math.floor((index * all.length) / most)]).filter(
    (each) => each !== undefined,
  );
}
