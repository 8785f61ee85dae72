import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A fenced code block: ```` ```sh needs=docker ````. */
export interface Block {
  readonly language: string;
  /** The words after the language. */
  readonly words: readonly string[];
  readonly text: string;
  readonly line: number;
}

/** A link's target as it is written. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

export interface Page {
  /** Relative to the root. */
  readonly path: string;
  readonly headings: readonly string[];
  /** What `#…` may point to, as GitHub makes it from the headings. */
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly Link[];
  readonly blocks: readonly Block[];
}

const SKIPPED = new Set(["node_modules", "dist", "coverage", "data", ".git"]);

/** Every file below `folder` whose name ends in one of `endings`, relative to the root. */
export async function listFiles(folder: string, endings: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) found.push(...(await listFiles(path, endings)));
    else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) found.push(relative(ROOT, path));
  }
  return found.sort();
}

/** Every Markdown page of the repository. */
export async function readPages(): Promise<Page[]> {
  const paths = await listFiles(ROOT, [".md"]);
  return Promise.all(paths.map(async (path) => parsePage(path, await readFile(join(ROOT, path), "utf8"))));
}

export function parsePage(path: string, text: string): Page {
  const headings: string[] = [];
  const links: Link[] = [];
  const blocks: Block[] = [];
  let fence:
    { readonly mark: string; readonly info: string; readonly line: number; readonly body: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const edge = /^\s*(`{3,}|~{3,})(.*)$/.exec(line);
    if (fence) {
      if (edge?.[1]?.startsWith(fence.mark) === true && edge[2]?.trim() === "") {
        const [language = "", ...words] = fence.info.split(/\s+/);
        blocks.push({ language, words, text: `${fence.body.join("\n")}\n`, line: fence.line });
        fence = undefined;
      } else fence.body.push(line);
    } else if (edge) fence = { mark: edge[1] ?? "", info: (edge[2] ?? "").trim(), line: index + 1, body: [] };
    else {
      const heading = /^#{1,6} (.+)$/.exec(line)?.[1];
      if (heading !== undefined) headings.push(heading.trim());
      links.push(...linksIn(line).map((target) => ({ target, line: index + 1 })));
    }
  }
  return { path, headings, anchors: anchorsOf(headings), links, blocks };
}

function linksIn(line: string): string[] {
  const prose = line.replaceAll(/`[^`]*`/g, "``");
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, target]) => (target === undefined ? [] : [target]));
}

/** GitHub's anchors: lower case, punctuation dropped, spaces as hyphens, repeats numbered. */
function anchorsOf(headings: readonly string[]): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const heading of headings) {
    const base = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = base;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${base}-${String(count)}`;
    anchors.add(anchor);
  }
  return anchors;
}
