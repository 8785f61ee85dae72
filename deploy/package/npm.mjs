// Makes the npm package of the built program, a folder for `npm publish`: after `npm run build`,
// node deploy/package/npm.mjs <folder>. It depends on no other package, since the libraries are in the program.
import { execFileSync } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const REGISTRY = "packages/registry";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node deploy/package/npm.mjs <folder that is empty or doesn't exist>");
  process.exit(1);
}
const { name, description, license, engines, repository } = await readPackage(".");
const { version, bin } = await readPackage(REGISTRY);
const { optionalDependencies } = await readPackage("packages/token-server");
execFileSync(process.execPath, [join(PROJECT, "deploy/package/program.mjs"), folder], { stdio: "inherit" });
for (const file of ["README.md", "CHANGELOG.md"]) await copyFile(join(PROJECT, file), join(folder, file));
await writeFile(
  join(folder, "package.json"),
  `${JSON.stringify(
    {
      ...{ name, version, description, license, repository, engines, type: "module" },
      bin: Object.fromEntries(Object.entries(bin).map(([command, path]) => [command, join(REGISTRY, path)])),
      // What the program loads from where its user has installed it.
      peerDependencies: optionalDependencies,
      peerDependenciesMeta: Object.fromEntries(
        Object.keys(optionalDependencies).map((library) => [library, { optional: true }]),
      ),
    },
    undefined,
    2,
  )}\n`,
);

async function readPackage(path) {
  return JSON.parse(await readFile(join(PROJECT, path, "package.json"), "utf8"));
}
