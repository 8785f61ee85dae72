// Makes one file of Node and the built program, for machines that have neither Node nor a container engine: after `npm run build`,
// node deploy/package/executable.mjs <file> [<another Node, such as one for another machine>]. Needs Node 26, which puts the program
// into a copy of that Node.
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const pathOf = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const PAGE = pathOf("packages/console/dist");
const UNNEEDED = /^types\/|^licenses\.md$|^\./;

const [file, node = process.execPath] = process.argv.slice(2);
if (file === undefined) refuse("usage: node deploy/package/executable.mjs <file> [<node>]");
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 26) refuse(`Node ${process.version} can't make single-file executables of modules: run this with Node 26`);

const folder = await mkdtemp(join(tmpdir(), "longshore-executable-"));
try {
  const main = await bundle("deploy/package/executable-main.mjs", "main.mjs");
  const names = (await readdir(PAGE, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(PAGE, join(entry.parentPath, entry.name)))
    .filter((name) => !UNNEEDED.test(name));
  const list = join(folder, "page.json");
  await writeFile(list, JSON.stringify(names));
  const configuration = join(folder, "sea.json");
  await writeFile(
    configuration,
    JSON.stringify({
      main,
      mainFormat: "module",
      executable: resolve(node),
      output: resolve(file),
      disableExperimentalSEAWarning: true,
      assets: {
        "package.json": pathOf("packages/registry/package.json"),
        "bcrypt-worker.js": await bundle("packages/auth/dist/methods/htpasswd/bcrypt-worker.js", "bcrypt-worker.mjs"),
        "page.json": list,
        ...Object.fromEntries(names.map((name) => [`page/${name}`, join(PAGE, name)])),
      },
    }),
  );
  execFileSync(process.execPath, ["--build-sea", configuration], { stdio: ["ignore", "ignore", "inherit"] });
  console.log(resolve(file));
} finally {
  await rm(folder, { recursive: true });
}

/** One module of `input` and everything that it imports. */
async function bundle(input, name) {
  const built = await rolldown({
    input: pathOf(input),
    platform: "node",
    // Optional, and not within the file.
    external: ["mongodb"],
    checks: { eval: false, ineffectiveDynamicImport: false },
  });
  await built.write({ file: join(folder, name), format: "esm", keepNames: true, codeSplitting: false });
  await built.close();
  return join(folder, name);
}

function refuse(message) {
  console.error(message);
  process.exit(1);
}
