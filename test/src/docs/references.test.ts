import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listFiles, readPages, ROOT } from "./markdown.js";

/** What stands before `docs/….md` where a comment or message refers to a page. */
const PAGE_REFERENCE = /\b(docs\/[\w/-]+\.md)(?: §([^)\n]+))?/g;
/** `(wire contract §1.6–§1.8, §2)` */
const CONTRACT_REFERENCE = /wire contract (§[\d.]*\d(?:(?:, | and |–)§[\d.]*\d)*)/g;

const pages = new Map((await readPages()).map((page) => [page.path, page]));
const folders = ["packages", "test/src", "deploy", "config", "docs"];
const paths = (
  await Promise.all(
    folders.map((folder) =>
      listFiles(join(ROOT, folder), [".ts", ".js", ".mjs", ".yml", ".json", ".sh", ".py", ".conf", ".md"]),
    ),
  )
).flat();
const texts = await Promise.all(
  paths
    .filter((path) => !path.startsWith("test/src/docs/"))
    .map(async (path) => [path, await readFile(join(ROOT, path), "utf8")] as const),
);

describe("references to the documentation", () => {
  it("point to sections of the wire contract", () => {
    const sections = new Set(
      pages.get("docs/wire-contract.md")?.headings.map((heading) => /^\d+(\.\d+)*/.exec(heading)?.[0] ?? heading),
    );
    const found = texts.flatMap(([path, text]) => contractReferences(text).map((section) => ({ path, section })));
    expect(found.length).toBeGreaterThan(150);
    expect(found.filter(({ section }) => !sections.has(section))).toEqual([]);
  });

  it("call the wire contract by its full name", () => {
    const loose = texts.filter(([, text]) => /(?<!wire )contract §/.test(unwrap(text)));
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  it("point to pages and headings that exist", () => {
    const found = texts.flatMap(([path, text]) => pageReferences(text).map((reference) => ({ path, ...reference })));
    expect(found.length).toBeGreaterThan(20);
    expect(found.filter(({ page, section }) => !leadsSomewhere(page, section))).toEqual([]);
  });
});

/** Comment lines as one text, so that a reference may be broken over two of them. */
function unwrap(text: string): string {
  return text.replaceAll(/\n\s*(?:\*|\/\/|#) /g, " ");
}

function contractReferences(text: string): string[] {
  return [...unwrap(text).matchAll(CONTRACT_REFERENCE)].flatMap(([, list = ""]) => list.match(/\d[\d.]*/g) ?? []);
}

function pageReferences(text: string): { page: string; section: string | undefined }[] {
  return [...unwrap(text).matchAll(PAGE_REFERENCE)].map(([, page = "", section]) => ({ page, section }));
}

function leadsSomewhere(page: string, section: string | undefined): boolean {
  if (!existsSync(join(ROOT, page))) return false;
  const headings = pages.get(page)?.headings ?? [];
  return section === undefined || headings.some((heading) => section.startsWith(heading));
}
