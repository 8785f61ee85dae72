import { readFileSync } from "node:fs";

/** This package's version, such as `0.1.0`. Its file is two folders up from `src/cli`, `dist/cli` and `dist/bundle`. */
export function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  if (typeof manifest !== "object" || manifest === null || !("version" in manifest)) throw new Error("no version");
  return String(manifest.version);
}

/** `<name> <package> <version>`, as Distribution prints it: scripts read the last word (wire contract §3.5). */
export function versionLine(): string {
  return `registry longshore ${readVersion()}\n`;
}
