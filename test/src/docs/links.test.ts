import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { type Link, type Page, parsePage, readPages, ROOT } from "./markdown.js";

const pages = await readPages();
const byPath = new Map(pages.map((page) => [page.path, page]));

describe("links of the documentation", () => {
  it.each(pages.map((page) => [page.path, page] as const))("resolve in %s", (_path, page) => {
    expect(page.links.map((link) => problem(page, link)).filter((found) => found !== undefined)).toEqual([]);
  });

  it("are broken when the file or the heading is missing", () => {
    const page = parsePage(
      "docs/performance.md",
      "# A\n[a](#a) [b](#b) [c](nowhere.md) [d](wire-contract.md#nothing) `[e](no.md)`\n",
    );
    expect(page.links.map((link) => problem(page, link))).toEqual([
      undefined,
      "line 2: no heading #b in docs/performance.md",
      "line 2: no file docs/nowhere.md",
      "line 2: no heading #nothing in docs/wire-contract.md",
    ]);
  });
});

/** What is wrong with a link into the repository; links elsewhere aren't followed. */
function problem(page: Page, { target, line }: Link): string | undefined {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? page.path : normalize(join(dirname(page.path), decodeURIComponent(file)));
  if (!existsSync(join(ROOT, path))) return `line ${String(line)}: no file ${path}`;
  if (anchor === undefined) return undefined;
  const anchors = file === "" ? page.anchors : byPath.get(path)?.anchors;
  return anchors?.has(anchor) === true ? undefined : `line ${String(line)}: no heading #${anchor} in ${path}`;
}
