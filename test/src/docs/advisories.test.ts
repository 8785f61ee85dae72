import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isShipped, readLibraries } from "./lockfile.js";
import { ROOT } from "./markdown.js";

const used = (await readLibraries()).filter(isShipped);
const page = await readFile(join(ROOT, "docs/advisories.md"), "utf8");

/** The lines of docs/advisories.md that say in which version the advisories of a library are fixed. */
const fixes = [...page.matchAll(/^- (\S+) ([\d.]+): /gm)].flatMap(([, name, fixed]) =>
  name === undefined || fixed === undefined ? [] : [{ name, fixed }],
);

it("docs/advisories.txt names each library with the version that was held against the advisories", async () => {
  const text = await readFile(join(ROOT, "docs/advisories.txt"), "utf8");
  const reviewed = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const expected = [...new Set(used.map(({ name, version }) => `${name} ${version ?? ""}`))];
  expect(reviewed).toEqual(expected.sort());
});

it("no library is older than the version in which its known advisories are fixed", () => {
  expect(fixes.length).toBeGreaterThan(20);
  const older = fixes.filter(({ name, fixed }) => {
    const versions = used.filter((library) => library.name === name).map(({ version }) => version ?? "");
    return versions.length === 0 || versions.some((version) => isOlder(version, fixed));
  });
  expect(older).toEqual([]);
});

it("versions are compared by their numbers", () => {
  expect(isOlder("7.9.0", "7.29.0")).toBe(true);
  expect(isOlder("7.30.2", "7.29.0")).toBe(false);
  expect(isOlder("7.29.0", "7.29.0")).toBe(false);
});

function isOlder(version: string, fixed: string): boolean {
  return version.localeCompare(fixed, "en", { numeric: true }) < 0;
}
