#!/usr/bin/env node
import { readdirSync, statSync } from "node:fs";
import { start } from "./start.js";

await start(() => import(isBundleCurrent() ? "../dist/bundle/main.js" : "../dist/cli/main.js"));

/** Whether `npm run build` made a bundle, and no package was compiled without it since. */
function isBundleCurrent() {
  const made = timeOf(new URL("../dist/bundle/main.js", import.meta.url));
  const packages = new URL("../../", import.meta.url);
  return readdirSync(packages).every((name) => timeOf(new URL(`${name}/dist/.tsbuildinfo`, packages)) < made);
}

/** When a file was written; 0 if there is none. */
function timeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
