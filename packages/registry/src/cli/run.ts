import { type Config } from "../config/config.js";
import { type Finding } from "../config/findings.js";
import { type ConfigurationSource } from "../config/source.js";
import { ConfigurationError, printErrors, readConfiguration, type ReadConfiguration } from "./configuration.js";
import { type FlagSpec, parseArguments, type ParsedArguments, UsageError } from "./flags.js";
import { garbageCollect } from "./garbage-collect.js";
import { type ExitCode, type Terminal } from "./terminal.js";
import { COMMANDS, type CommandSpec, commandUsage, HELP_FLAG, usage, VERSION_FLAG } from "./usage.js";
import { verify } from "./verify.js";
import { checkRoot } from "./verify-files.js";
import { versionLine } from "./version.js";

/** Runs the server until it is told to stop, and logs the warnings at its start; resolves with the exit code. */
export type Serve = (config: Config, source: ConfigurationSource, warnings: readonly Finding[]) => Promise<number>;

/**
 * The command line of the original, with `verify` beside it (contract §3.5). Unlike there an unknown command ends with 1.
 * @param args without the program's name
 */
export async function run(args: readonly string[], terminal: Terminal, serve: Serve): Promise<number> {
  try {
    return await dispatch(args, terminal, serve);
  } catch (cause) {
    if (cause instanceof UsageError) {
      terminal.err(`Error: ${cause.message}\n${usage()}`);
      return 1;
    }
    throw cause;
  }
}

async function dispatch(args: readonly string[], terminal: Terminal, serve: Serve): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || first === "completion") return print(usage(), terminal);
  if (first === "help") return help(rest[0], terminal);
  const command = COMMANDS.find(({ name }) => name === first);
  if (command) return runCommand(command, rest, terminal, serve);
  if (first.startsWith("-")) return rootFlags(args, terminal, serve);
  if (isConfigPath(first)) return runCommand(serveCommand(), args, terminal, serve);
  throw new UsageError(`unknown command ${JSON.stringify(first)} for "registry"`);
}

async function rootFlags(args: readonly string[], terminal: Terminal, serve: Serve): Promise<number> {
  const { flags, positional } = parseArguments(args, [HELP_FLAG, VERSION_FLAG]);
  if (flags.has(HELP_FLAG.name)) return help(positional[0], terminal);
  if (flags.has(VERSION_FLAG.name)) return print(versionLine(), terminal);
  return dispatch(positional, terminal, serve);
}

function help(name: string | undefined, terminal: Terminal): ExitCode {
  if (name === undefined) return print(usage(), terminal);
  const command = COMMANDS.find((each) => each.name === name);
  if (!command) throw new UsageError(`unknown command ${JSON.stringify(name)} for "registry"`);
  return print(commandUsage(command), terminal);
}

async function runCommand(
  command: CommandSpec,
  args: readonly string[],
  terminal: Terminal,
  serve: Serve,
): Promise<number> {
  const parsed = parse(command, args, terminal);
  if (!parsed) return 1;
  if (parsed.flags.has(HELP_FLAG.name)) return print(commandUsage(command), terminal);
  let configuration: ReadConfiguration;
  try {
    configuration = await readConfiguration(parsed.positional, terminal.environment);
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause;
    terminal.err(`configuration error: ${cause.message}\n${cause.usage ? commandUsage(command) : ""}`);
    return 1;
  }
  switch (command.name) {
    case "verify":
      return verify(configuration, terminal);
    case "garbage-collect":
      return garbageCollect(configuration, parsed, terminal);
    case "serve":
      return start(configuration, terminal, serve);
  }
}

async function start(configuration: ReadConfiguration, terminal: Terminal, serve: Serve): Promise<number> {
  const { loaded, path, text } = configuration;
  if (!loaded.config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  const root = (await checkRoot(loaded.config)).map((each) => ({ ...each, source: loaded.sourceOf(each.path) }));
  const unusable = root.filter(({ severity }) => severity === "error");
  if (unusable.length > 0) {
    printErrors(unusable, terminal);
    return 1;
  }
  return serve(loaded.config, { path, text }, [...loaded.warnings, ...root]);
}

function parse(command: CommandSpec, args: readonly string[], terminal: Terminal): ParsedArguments | undefined {
  const specs: readonly FlagSpec[] = [...command.flags, HELP_FLAG];
  try {
    return parseArguments(args, specs);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    terminal.err(`Error: ${cause.message}\n${commandUsage(command)}`);
    return undefined;
  }
}

/** The image's entrypoint takes the configuration's path alone (contract §3.4). */
function isConfigPath(argument: string): boolean {
  return /\.ya?ml$/i.test(argument) || argument.includes("/");
}

function serveCommand(): CommandSpec {
  const command = COMMANDS.find(({ name }) => name === "serve");
  if (!command) throw new Error("there is no serve command");
  return command;
}

function print(text: string, terminal: Terminal): ExitCode {
  terminal.out(text);
  return 0;
}
