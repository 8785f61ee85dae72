// Makes dist/bundle/main.js of the program's sources and its libraries: a few files in place of hundreds, without what is
// never called. What is imported on demand stays apart. Run by `npm run build`; types are the compiler's business. An argument
// is another folder to write to.
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const directory = pathOf(process.argv[2] ?? "dist/bundle");
// Written beside it and then put in its place: a registry may be starting from the one that is there.
const written = `${directory}.${process.pid}`;
const replaced = `${written}.old`;

/**
 * The files that `registry serve` reads one after the other: first what help needs, too; then what every command and the
 * primary need; then what serves. Each has the modules that these import, and that no file before it has. Left to itself, the
 * bundler makes a file for each combination of modules, a hundred for one start.
 */
const FILES = [
  { name: "main", modules: ["src/cli/main.ts"] },
  {
    name: "start",
    modules: [
      "src/cli/configuration.ts",
      "src/cli/actions/serve.ts",
      "src/run.ts",
      "src/run-worker.ts",
      "../storage/src/drivers/filesystem/driver.ts",
    ],
  },
  { name: "service", modules: ["src/compose-service.ts"] },
];

/** The name of each module's file, if it is one of these; `infoOf` tells what a module imports. */
function assignModules(infoOf) {
  const files = new Map();
  for (const { name, modules } of FILES) {
    const open = modules.map(pathOf);
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (files.has(id)) continue;
      const info = infoOf(id);
      if (info === null) continue;
      files.set(id, name);
      open.push(...info.importedIds);
    }
  }
  return files;
}

/** The licences of the libraries whose modules these are: whoever hands the bundle on has to hand them on, too. */
async function licensesOf(modules) {
  const roots = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(id) ?? []));
  const libraries = new Map();
  for (const root of [...roots].sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${root}package.json`, "utf8"));
    const files = (await readdir(root)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort();
    const texts = await Promise.all(files.map((file) => readFile(root + file, "utf8")));
    // Most of a licence's texts are the same, word for word.
    const text = texts.map((each) => `${each.trim()}\n`).join("\n");
    libraries.set(text, [...(libraries.get(text) ?? []), `- ${name} ${version} (${license})`]);
  }
  const sections = [...libraries].map(([text, names]) => `${names.join("\n")}\n\n${text}`);
  return ["# The libraries in this bundle, and their licences\n", ...sections].join("\n");
}

/** Takes the sources of the packages here in place of what the compiler makes of them: `exports` names that. */
const sources = {
  name: "sources",
  resolveId: {
    filter: { id: /^@longshore\// },
    async handler(id) {
      const [, name, path] = /^@longshore\/([^/]+)(.*)$/.exec(id);
      const { exports } = JSON.parse(await readFile(pathOf(`../${name}/package.json`), "utf8"));
      const compiled = (exports[`.${path}`] ?? exports["./*"]).default.replace("*", path.slice(1));
      return pathOf(`../${name}/${compiled.replace(/^\.\/dist\/(.*)\.js$/, "src/$1.ts")}`);
    },
  },
};

let files;
const bundle = await rolldown({
  // A thread is started from a file, so the program of the threads stays one of its own.
  input: [pathOf("src/cli/main.ts"), pathOf("../auth/src/methods/htpasswd/bcrypt-worker.ts")],
  platform: "node",
  resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
  transform: { target: "node20.19" },
  plugins: [sources],
  preserveEntrySignatures: "allow-extension",
  // Optional: it need not be installed.
  external: ["mongodb"],
  checks: { ineffectiveDynamicImport: false },
});
// Not minified: stack traces name the functions, and a comment before each part says which module it was.
const { output } = await bundle.write({
  dir: written,
  format: "esm",
  keepNames: true,
  codeSplitting: {
    includeDependenciesRecursively: false,
    groups: [
      {
        debugName: "files",
        name(id, graph) {
          files ??= assignModules((each) => graph.getModuleInfo(each));
          const name = files.get(id);
          return name === "main" ? null : name;
        },
      },
    ],
  },
});
await bundle.close();
await writeFile(`${written}/licenses.md`, await licensesOf(output.flatMap(({ moduleIds = [] }) => moduleIds)));
await rename(directory, replaced).catch((error) => {
  if (error.code !== "ENOENT") throw error;
});
await rename(written, directory);
await rm(replaced, { recursive: true, force: true });
