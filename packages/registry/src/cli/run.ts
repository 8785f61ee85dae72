import type { Command, Serve } from "./command.js";
import { COMMANDS } from "./commands.js";
import { ConfigurationError } from "./configuration-error.js";
import { parseArguments, UsageError, type ParsedArguments } from "./flags.js";
import { serve as serveCommand } from "./commands/serve.js";
import type { ExitCode, Terminal } from "./terminal.js";
import { commandUsage, HELP_FLAG, usage, VERSION_FLAG } from "./usage.js";
import { versionLine } from "./version.js";

/**
 * Distribution's command line, with commands of our own (wire contract §3.5). Unlike in Distribution, an unknown command
 * exits with 1.
 * @param args the arguments, without the program's name
 */
export async function run(
  args: readonly string[],
  terminal: Terminal,
  serve: Serve,
  commands: readonly Command[] = COMMANDS,
): Promise<number> {
  try {
    return await dispatch(args, { terminal, serve, commands });
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    terminal.err(`Error: ${cause.message}\n${usage(commands)}`);
    return 1;
  }
}

interface Context {
  readonly terminal: Terminal;
  readonly serve: Serve;
  readonly commands: readonly Command[];
}

async function dispatch(args: readonly string[], context: Context): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || first === "completion") return print(usage(context.commands), context);
  if (first === "help") return help(rest, context);
  const command = findCommand(args, context);
  if (command) return runCommand(command, args.slice(wordsOf(command).length), context);
  if (first.startsWith("-")) return rootFlags(args, context);
  if (isConfigPath(first)) return runCommand(serveCommand, args, context);
  throw unknownCommand(args, context);
}

/** The command whose words `args` begin with; if several match, the longest. */
function findCommand(args: readonly string[], { commands }: Context): Command | undefined {
  return commands
    .filter((command) => wordsOf(command).every((word, index) => args[index] === word))
    .sort((one, other) => wordsOf(other).length - wordsOf(one).length)[0];
}

function wordsOf({ name }: Command): readonly string[] {
  return name.split(" ");
}

/** For the first word of two, such as `registry repository`, suggests the commands that begin with it. */
function unknownCommand([first = ""]: readonly string[], { commands }: Context): UsageError {
  const begun = commands.filter((command) => wordsOf(command)[0] === first).map(({ name }) => name);
  const hint = begun.length === 0 ? "" : `; did you mean ${begun.join(" or ")}?`;
  return new UsageError(`unknown command ${JSON.stringify(first)} for "registry"${hint}`);
}

async function rootFlags(args: readonly string[], context: Context): Promise<number> {
  const { flags, positional } = parseArguments(args, [HELP_FLAG, VERSION_FLAG]);
  if (flags.has(HELP_FLAG.name)) return help(positional, context);
  if (flags.has(VERSION_FLAG.name)) return print(versionLine(), context);
  return dispatch(positional, context);
}

function help(words: readonly string[], context: Context): ExitCode {
  if (words.length === 0) return print(usage(context.commands), context);
  const command = findCommand(words, context);
  if (!command) throw unknownCommand(words, context);
  return print(commandUsage(command), context);
}

async function runCommand(command: Command, args: readonly string[], context: Context): Promise<number> {
  const { terminal, serve } = context;
  const parsed = parse(command, args, terminal);
  if (!parsed) return 1;
  if (parsed.flags.has(HELP_FLAG.name)) return print(commandUsage(command), context);
  try {
    const [path, ...operands] = parsed.positional;
    checkOperands(command, operands);
    // Loaded here: the schema and what it describes are most of the program, and help needs none of it.
    const { readConfiguration } = await import("./configuration.js");
    const configuration = await readConfiguration(path, terminal.environment);
    const { flags, values } = parsed;
    return await command.run({ configuration, operands, flags, values, terminal, serve });
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause;
    terminal.err(`configuration error: ${cause.message}\n${cause.usage ? commandUsage(command) : ""}`);
    return 1;
  }
}

function checkOperands({ operands }: Command, given: readonly string[]): void {
  const [surplus] = given.slice(operands.length);
  if (surplus !== undefined && operands.length === 0) {
    throw new ConfigurationError(`expected one configuration path, got ${JSON.stringify(surplus)} as well`, true);
  }
  if (surplus !== undefined) throw new ConfigurationError(`unexpected argument ${JSON.stringify(surplus)}`, true);
  const missing = operands[given.length];
  if (missing !== undefined) throw new ConfigurationError(`${missing} is missing`, true);
}

function parse(command: Command, args: readonly string[], terminal: Terminal): ParsedArguments | undefined {
  try {
    return parseArguments(args, [...command.flags, HELP_FLAG]);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    terminal.err(`Error: ${cause.message}\n${commandUsage(command)}`);
    return undefined;
  }
}

/** The image's entrypoint may be given just the configuration's path (wire contract §3.4). */
function isConfigPath(argument: string): boolean {
  return /\.ya?ml$/i.test(argument) || argument.includes("/");
}

function print(text: string, { terminal }: Context): ExitCode {
  terminal.out(text);
  return 0;
}
