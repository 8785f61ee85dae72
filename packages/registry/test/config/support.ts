import { Secret } from "@longshore/options/secret";
import { type Config } from "../../src/config/config.js";
import { type Environment } from "../../src/config/environment.js";
import { formatFinding } from "../../src/config/findings.js";
import { loadConfig, type Loaded } from "../../src/config/load.js";

export const MACHINE = { cores: 4 };

/** A smallest file, which each test adds to. */
export const MINIMAL = "version: 0.1\nstorage:\n  inmemory:\n";

export function load(text: string, environment: Environment = {}): Loaded {
  return loadConfig({ text, file: "config.yml", environment, machine: MACHINE });
}

/** The configuration of a text that must be right. */
export function configOf(text: string, environment: Environment = {}): Config {
  const loaded = load(text, environment);
  if (!loaded.config) throw new Error(messages(loaded.errors).join("\n"));
  return loaded.config;
}

/** The values of a configuration, to compare: without the functions of what it has chosen. */
export function valuesOf(config: Config | undefined): unknown {
  return JSON.parse(JSON.stringify(config ?? null));
}

/** The options of the configuration's storage driver, with its secrets in clear. */
export function revealedOptions(config: Config): Readonly<Record<string, unknown>> {
  const entries = Object.entries(config.storage.driver.options);
  return Object.fromEntries(entries.map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]));
}

/** The options of the configuration's health checks of one kind. */
export function checkOptions({ health }: Config, kind: string): readonly unknown[] {
  return health.checks.filter(({ check }) => check.kind === kind).map(({ check }) => check.options);
}

export function messages(findings: Loaded["errors"]): string[] {
  return findings.map(formatFinding);
}

export function errorsOf(text: string, environment: Environment = {}): string[] {
  return messages(load(text, environment).errors);
}

export function warningsOf(text: string, environment: Environment = {}): string[] {
  return messages(load(text, environment).warnings);
}
