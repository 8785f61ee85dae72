import { readFileSync } from "node:fs";
import { getAsset, isSea } from "node:sea";

/** This package's version, such as `0.1.0`. Its file is two folders up from `src/cli`, `dist/cli` and `dist/bundle`. */
export function readVersion(): string {
  const text = isSea()
    ? getAsset("package.json", "utf8")
    : readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const manifest: unknown = JSON.parse(text);
  if (typeof manifest !== "object" || manifest === null || !("version" in manifest)) throw new Error("no version");
  return String(manifest.version);
}

/** `<name> <package> <version>`, as Distribution prints it: scripts read the last word (wire contract §3.5). */
export function versionLine(): string {
  return `registry longshore ${readVersion()}\n`;
}
