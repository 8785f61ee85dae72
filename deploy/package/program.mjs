// Copies the built program to a new folder, complete: beside Node it needs nothing else. The container image, the Debian package
// and the archive hold it. After `npm run build`: node deploy/package/program.mjs <folder>
import { cp, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const PARTS = [
  "LICENSE",
  "config",
  "packages/console/dist",
  "packages/registry/bin",
  "packages/registry/dist/bundle",
  "packages/registry/package.json",
];
/** What the compiler and the builds leave beside it. */
const UNNEEDED = ["types", ".built", ".tsbuildinfo"].map((name) => join(PROJECT, "packages/console/dist", name));

const [folder] = process.argv.slice(2);
if (folder === undefined || (await readdir(folder).catch(() => [])).length > 0) {
  console.error("usage: node deploy/package/program.mjs <folder that is empty or doesn't exist>");
  process.exit(1);
}
for (const part of PARTS) {
  const target = join(folder, part);
  await mkdir(dirname(target), { recursive: true });
  await cp(join(PROJECT, part), target, { recursive: true, filter: (source) => !UNNEEDED.includes(source) });
}
