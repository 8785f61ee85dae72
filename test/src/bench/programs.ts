import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The Debian package that brings each outside program a benchmark drives. */
const PACKAGES = {
  chromium: "chromium",
  "docker-registry": "docker-registry",
  nginx: "nginx-light",
  radosgw: "radosgw",
  wrk: "wrk",
} as const;

export type Program = keyof typeof PACKAGES;

/** A group can't run on this machine; the message says what to install or build. */
export class BenchRefused extends Error {
  override readonly name = "BenchRefused";
}

/** Throws {@link BenchRefused} that names every one of these that isn't on the PATH and its package. */
export function requirePrograms(names: readonly Program[]): void {
  const missing = names.filter((name) => onPath(name) === undefined);
  if (missing.length > 0) {
    throw new BenchRefused(
      `this benchmark needs programs that are not here:\n${missing.map(describeMissing).join("\n")}`,
    );
  }
}

/** The path of a program. Throws {@link BenchRefused} if it isn't there. */
export function programPath(name: Program): string {
  const path = onPath(name);
  if (path === undefined) {
    throw new BenchRefused(`this benchmark needs a program that is not here:\n${describeMissing(name)}`);
  }
  return path;
}

function describeMissing(name: Program): string {
  return `  ${name} is not installed; Debian's package is ${PACKAGES[name]}`;
}

function onPath(name: Program): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
