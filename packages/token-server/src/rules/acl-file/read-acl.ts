import { compileRules, findDeadRules, type RuleOptions, type Rules } from "@longshore/auth";
import { errnoOf } from "@longshore/base/errno";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** Bytes of a file of rules. */
const MAX_BYTES = 4 * 1024 * 1024;

const FILE = z.union([
  z.array(z.unknown()),
  z.strictObject({ acl: z.array(z.unknown()) }).transform(({ acl }) => acl),
  z.strictObject({ access: z.array(z.unknown()) }).transform(({ access }) => access),
]);

/** The files that `path` means: itself, or those of the directory, in the order of their names. */
export async function aclFiles(path: string): Promise<readonly string[]> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new Error(`${path} can't be read (${errnoOf(cause) ?? "unknown fault"})`, { cause });
  });
  if (!info.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
  if (names.length === 0) throw new Error(`${path} holds no file that ends in .yml or .yaml`);
  return names.map((name) => join(path, name));
}

/** The rules of the file or directory at `path`. Throws, with the file and the place in it, if one can't be understood. */
export async function readAcl(path: string, options: RuleOptions = {}): Promise<Rules> {
  const { entries, places } = await readEntries(path);
  return compileRules(
    entries,
    ([step, ...rest]) => {
      const place = typeof step === "number" ? places[step] : undefined;
      return place === undefined ? path : formatPlace(place, rest);
    },
    options,
  );
}

/** What of the rules at `path` can never decide, with the file and the place in it. Throws as {@link readAcl} does. */
export async function findDeadEntries(path: string): Promise<readonly string[]> {
  const { entries, places } = await readEntries(path);
  return findDeadRules(entries).flatMap(({ entry, steps, reason }) => {
    const place = places[entry];
    return place === undefined ? [] : [`${formatPlace(place, steps)}: ${reason}`];
  });
}

interface EntryPlace {
  readonly file: string;
  readonly index: number;
}

function formatPlace({ file, index }: EntryPlace, steps: readonly (string | number)[]): string {
  return `${file}: [${index}]${steps.map((each) => (typeof each === "number" ? `[${each}]` : `.${each}`)).join("")}`;
}

async function readEntries(path: string) {
  const files = await aclFiles(path);
  const entries: unknown[] = [];
  const places: EntryPlace[] = [];
  for (const file of files) {
    (await entriesOf(file)).forEach((entry, index) => {
      entries.push(entry);
      places.push({ file, index });
    });
  }
  return { entries, places };
}

async function entriesOf(file: string): Promise<readonly unknown[]> {
  const info = await stat(file);
  if (info.size > MAX_BYTES) throw new Error(`${file} is larger than ${MAX_BYTES} bytes`);
  let document: unknown;
  try {
    document = parse(await readFile(file, "utf8"), { maxAliasCount: 100 });
  } catch (cause) {
    throw new Error(`${file} can't be read: ${cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : ""}`, {
      cause,
    });
  }
  const parsed = FILE.safeParse(document ?? []);
  if (parsed.success) return parsed.data;
  throw new Error(`${file} must hold a list of rules, at its top or below the one key acl or access`);
}
