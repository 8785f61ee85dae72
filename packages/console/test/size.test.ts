import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));
/** Bytes of script and style, compressed, that the first page may take. */
const MOST = 120 * 1024;

it("the first page is small and in few files, has no code of its own, and loads nothing from elsewhere", async () => {
  await promisify(execFile)(process.execPath, [`${FOLDER}build.mjs`]);
  const page = await readFile(`${FOLDER}dist/index.html`, "utf8");
  const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);
  expect(files.length).toBeGreaterThan(1);
  expect(files.filter((path) => !path.startsWith("./"))).toEqual([]);
  expect(page).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/);
  const loaded = files.filter((path) => /\.(?:js|css)$/.test(path));
  // Each further file costs a slow processor as much as some of its work.
  expect(loaded.map((path) => path.replace(/^.*\./, "")).sort()).toEqual(["css", "js"]);
  const sizes = await Promise.all(
    loaded.map(async (path) => (await readFile(`${FOLDER}dist/${path.replace("./_console/", "")}.gz`)).byteLength),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST);
});
