import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { listFiles, ROOT } from "./markdown.js";

/** Sections whose messages are of other programs. */
const OTHERS = new Set(["Behind a proxy", "Clients"]);
/** Shorter parts, such as punctuation between two values, are found anywhere and say nothing. */
const FRAGMENT = 8;

it("docs/troubleshooting.md quotes messages that the source has", async () => {
  const page = await readFile(join(ROOT, "docs/troubleshooting.md"), "utf8");
  const sources = (await listFiles(join(ROOT, "packages"), [".ts"])).filter((path) => path.includes("/src/"));
  const files = [...sources, ...(await listFiles(join(ROOT, "deploy/image"), [".sh"]))];
  const texts = await Promise.all(files.map((path) => readFile(join(ROOT, path), "utf8")));
  const source = texts.join("\n");
  const fragments = messages(page).flatMap((message) => message.split("…").map((part) => part.trim()));
  expect(messages(page).length).toBeGreaterThanOrEqual(40);
  expect(fragments.filter((part) => part.length >= FRAGMENT && !source.includes(part))).toEqual([]);
});

/** What is bold and code in the registry's own sections. */
function messages(page: string): string[] {
  const sections = page.split(/^## /m).filter((section) => !OTHERS.has(section.split("\n")[0] ?? ""));
  return sections.flatMap((section) => [...section.matchAll(/\*\*`([^`]+)`\*\*/g)].flatMap(([, text]) => text ?? []));
}
