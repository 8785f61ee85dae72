import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { z } from "zod";
import { isShipped, readLibraries } from "./lockfile.js";
import { listFiles, ROOT } from "./markdown.js";

/** Licences that allow what this project's own does. */
const ACCEPTED = new Set([
  ...["MIT", "Apache-2.0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BlueOak-1.0.0"],
  // Under the first of the two.
  "(BSD-3-Clause OR GPL-2.0)",
]);

const libraries = await readLibraries();
const shipped = libraries.filter(isShipped);

it("npm ci installs nothing but what the lock file names by its SHA-512", () => {
  expect(libraries.length).toBeGreaterThan(100);
  expect(libraries.filter(({ integrity }) => integrity?.startsWith("sha512-") !== true)).toEqual([]);
  expect(libraries.filter(({ resolved }) => resolved !== undefined && !resolved.startsWith("https://"))).toEqual([]);
});

it("what is shipped has accepted licences, and runs nothing when it is installed", () => {
  const unaccepted = libraries
    .filter(isShipped)
    .filter(({ license }) => license === undefined || !ACCEPTED.has(license));
  expect(unaccepted.map(({ name, license }) => `${name}: ${license ?? "none"}`)).toEqual([]);
  expect(shipped.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)).toEqual([]);
});

it("npm run sbom lists what is shipped", { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)("npm", ["run", "--silent", "sbom"], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  const bill = z
    .object({
      bomFormat: z.literal("CycloneDX"),
      components: z.array(z.object({ name: z.string(), version: z.string() })),
    })
    .parse(JSON.parse(stdout));
  const listed = new Set(bill.components.map(({ name, version }) => `${name}@${version}`));
  const missing = shipped.filter(({ name, version }) => !listed.has(`${name}@${version ?? ""}`));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

it("the workflows run what their authors can't replace: each action by its commit", async () => {
  const files = await listFiles(join(ROOT, ".github/workflows"), [".yml"]);
  const texts = await Promise.all(files.map((path) => readFile(join(ROOT, path), "utf8")));
  const actions = texts.flatMap((text) => [...text.matchAll(/\buses: *(.*)/g)].flatMap(([, action]) => action ?? []));
  expect(actions.length).toBeGreaterThan(10);
  expect(actions.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
});
