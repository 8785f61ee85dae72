import { readFile } from "node:fs/promises";
import { CONFIGURATION_PATH, type Environment } from "../config/environment.js";
import { formatFinding } from "../config/findings.js";
import type { Loaded } from "../config/load.js";
import { loadSource, type ConfigurationSource } from "../config/source.js";
import { ConfigurationError } from "./configuration-error.js";
import type { Terminal } from "./terminal.js";

export interface ReadConfiguration extends ConfigurationSource {
  readonly loaded: Loaded;
}

/**
 * Reads the configuration at the path in `argument`, or else in REGISTRY_CONFIGURATION_PATH (wire contract §3.5).
 * @throws ConfigurationError
 */
export async function readConfiguration(
  argument: string | undefined,
  environment: Environment,
): Promise<ReadConfiguration> {
  const path = argument ?? environment[CONFIGURATION_PATH] ?? "";
  if (path === "") throw new ConfigurationError("configuration path unspecified", true);
  const text = await readText(path);
  return { path, text, loaded: await loadSource({ path, text }, environment) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    throw new ConfigurationError(`open ${path}: ${REASONS[String(code)] ?? String(code)}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
};

/** Prints each error on a line of standard error. */
export function printErrors(errors: Loaded["errors"], terminal: Terminal): void {
  for (const line of findingsOf(errors)) terminal.err(`${line}\n`);
}

/** A line for each error. */
export function findingsOf(errors: Loaded["errors"]): readonly string[] {
  return errors.map((finding) => `configuration error: ${formatFinding(finding)}`);
}
