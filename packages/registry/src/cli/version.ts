import { readFileSync } from "node:fs";
import { z } from "zod";

const manifest = z.object({ version: z.string() });

/** This package's version, such as `0.1.0`. */
export function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return manifest.parse(JSON.parse(text)).version;
}

/** `<name> <package> <version>`, as Distribution prints it: scripts read the last word (wire contract §3.5). */
export function versionLine(): string {
  return `registry longshore ${readVersion()}\n`;
}
