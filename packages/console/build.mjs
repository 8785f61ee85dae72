// Makes dist/index.html and dist/assets of the sources, each file compressed beside itself. Run by `npm run build`; does nothing
// if nothing has changed since.
import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build, version } from "vite";

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);
const folder = fileURLToPath(new URL(".", import.meta.url));
const output = `${folder}dist/`;
const stamp = `${output}.built`;

const current = await fingerprint();
if ((await readFile(stamp, "utf8").catch(() => "")) !== current) {
  await rm(stamp, { force: true });
  const { output: written } = await build({ configFile: `${folder}vite.config.mjs`, logLevel: "warn" });
  const names = written.map(({ fileName }) => fileName);
  await Promise.all(names.filter((name) => !name.endsWith(".md")).map(compress));
  await removeOthers(names);
  await writeFile(stamp, current);
}

/** Of all that the result depends on. */
async function fingerprint() {
  const sources = await readdir(`${folder}src`, { recursive: true, withFileTypes: true });
  const files = sources.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`);
  const more = ["index.html", "vite.config.mjs", "build.mjs", "../../package-lock.json"].map((name) => folder + name);
  const hash = createHash("sha256").update(version);
  for (const file of [...files.sort(), ...more]) hash.update(file).update(await readFile(file));
  return hash.digest("hex");
}

/** What an earlier build left goes last: a registry may be starting from it. */
async function removeOthers(names) {
  const kept = names.flatMap((name) => [name, `${name}.br`, `${name}.gz`]);
  for (const name of await readdir(`${output}assets`)) {
    if (!kept.includes(`assets/${name}`)) await rm(`${output}assets/${name}`);
  }
}

async function compress(name) {
  const bytes = await readFile(output + name);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await writeFile(`${output}${name}.br`, await compressBrotli(bytes, { params }));
  await writeFile(`${output}${name}.gz`, await compressGzip(bytes, { level: constants.Z_BEST_COMPRESSION }));
}
