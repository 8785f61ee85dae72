import type { Config } from "../config/config.js";
import type { Finding } from "../config/findings.js";
import type { ConfigurationSource } from "../config/source.js";
import type { ReadConfiguration } from "./configuration.js";
import type { FlagSpec, ParsedArguments } from "./flags.js";
import type { Terminal } from "./terminal.js";

/** A flag with the description shown in the usage. */
export interface DocumentedFlag extends FlagSpec {
  readonly meaning: string;
}

/** Logs the warnings, runs the server until a signal stops it, and resolves with the exit code. */
export type Serve = (config: Config, source: ConfigurationSource, warnings: readonly Finding[]) => Promise<number>;

/** What a command runs with. */
export interface Invocation {
  readonly configuration: ReadConfiguration;
  /** The arguments after the configuration path, one for each of {@link Command.operands}. */
  readonly operands: readonly string[];
  readonly flags: ParsedArguments["flags"];
  readonly values: ParsedArguments["values"];
  readonly terminal: Terminal;
  readonly serve: Serve;
}

/** A command of `registry`. Every command reads a configuration first. */
export interface Command {
  /** One word or two: `verify`, `repository delete`. */
  readonly name: string;
  /** Its line in `registry help`. */
  readonly summary: string;
  /** What its own help says beyond the summary. */
  readonly details: string;
  /** The arguments after the configuration path, as the usage shows them: `<repository>`. */
  readonly operands: readonly string[];
  readonly flags: readonly DocumentedFlag[];
  /** Resolves with the exit code. Throws UsageError if a flag has an invalid value. */
  run(invocation: Invocation): Promise<number>;
}
