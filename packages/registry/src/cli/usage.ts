import type { Command, DocumentedFlag } from "./command.js";

export const HELP_FLAG: DocumentedFlag = { name: "help", short: "h", meaning: "help" };
export const VERSION_FLAG: DocumentedFlag = { name: "version", short: "v", meaning: "show the version and exit" };

/** The text of `registry help`. */
export function usage(commands: readonly Command[]): string {
  const lines = [
    ...commands.map(({ name, summary }) => [name, summary] as const),
    ["help", "Help about any command"] as const,
  ];
  return [
    "`registry` stores and distributes container images and other artifacts.",
    "",
    "Usage:",
    "  registry [flags]",
    "  registry [command]",
    "  registry <config>        the same as registry serve <config>",
    "",
    "Available Commands:",
    ...lines.map(([name, summary]) => `  ${name.padEnd(16)} ${summary}`),
    "",
    "Flags:",
    ...flagLines([{ ...HELP_FLAG, meaning: "help for registry" }, VERSION_FLAG]),
    "",
    'Use "registry [command] --help" for more information about a command.',
    "",
  ].join("\n");
}

/** The text of `registry <command> --help`. */
export function commandUsage(command: Command): string {
  return [
    `${command.summary}.`,
    command.details,
    "",
    "Usage:",
    `  ${["registry", command.name, "<config>", ...command.operands].join(" ")} [flags]`,
    "",
    "Flags:",
    ...flagLines([...command.flags, { ...HELP_FLAG, meaning: `help for ${command.name}` }]),
    "",
  ].join("\n");
}

function flagLines(flags: readonly DocumentedFlag[]): string[] {
  return flags.map(({ name, short, value, meaning }) => {
    const long = value === undefined ? name : `${name} ${value}`;
    return `  ${short === undefined ? "   " : `-${short},`} --${long.padEnd(16)} ${meaning}`;
  });
}
