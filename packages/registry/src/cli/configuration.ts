import { readFile } from "node:fs/promises";
import { CONFIGURATION_PATH, type Environment } from "../config/environment.js";
import { formatFinding } from "../config/findings.js";
import { type Loaded } from "../config/load.js";
import { loadSource, type ConfigurationSource } from "../config/source.js";
import { type Terminal } from "./terminal.js";

/** There is no configuration to check: no path, or nothing readable behind it. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  /** Whether the command line is at fault, so that its usage helps. */
  readonly usage: boolean;

  constructor(message: string, usage = false) {
    super(message);
    this.usage = usage;
  }
}

export interface ReadConfiguration extends ConfigurationSource {
  readonly loaded: Loaded;
}

/**
 * Reads the configuration that the arguments, or else REGISTRY_CONFIGURATION_PATH, name (contract §3.5).
 * @throws ConfigurationError
 */
export async function readConfiguration(
  positional: readonly string[],
  environment: Environment,
): Promise<ReadConfiguration> {
  const [first, second] = positional;
  if (second !== undefined)
    throw new ConfigurationError(`expected one configuration path, found also ${JSON.stringify(second)}`, true);
  const path = first ?? environment[CONFIGURATION_PATH] ?? "";
  if (path === "") throw new ConfigurationError("configuration path unspecified", true);
  const text = await readText(path);
  return { path, text, loaded: loadSource({ path, text }, environment) };
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

/** One line for each error, on standard error. */
export function printErrors(errors: Loaded["errors"], terminal: Terminal): void {
  for (const finding of errors) terminal.err(`configuration error: ${formatFinding(finding)}\n`);
}
