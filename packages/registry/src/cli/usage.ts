import { type FlagSpec } from "./flags.js";

export interface CommandSpec {
  readonly name: "serve" | "garbage-collect" | "verify";
  readonly arguments: string;
  readonly summary: string;
  readonly details: string;
  readonly flags: readonly (FlagSpec & { readonly meaning: string })[];
}

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "serve",
    arguments: "<config>",
    summary: "`serve` stores and distributes container images and other artifacts",
    details: "The configuration's path may also come from REGISTRY_CONFIGURATION_PATH.",
    flags: [],
  },
  {
    name: "garbage-collect",
    arguments: "<config>",
    summary: "`garbage-collect` deletes layers not referenced by any manifests",
    details:
      "Works while registries serve. What was pushed, or asked for by a pusher, within the grace period stays. One that was interrupted is gone on with.",
    flags: [
      { name: "dry-run", short: "d", meaning: "do everything except remove the blobs" },
      { name: "delete-untagged", short: "m", meaning: "delete manifests that are not currently referenced via tag" },
      { name: "quiet", short: "q", meaning: "silence output" },
      {
        name: "grace-period",
        value: "duration",
        meaning: "instead of storage.maintenance.gc.graceperiod; 0s only while nobody pushes",
      },
    ],
  },
  {
    name: "verify",
    arguments: "<config>",
    summary: "`verify` checks a configuration without starting",
    details:
      "Reads the file and the environment as `serve` does, looks at every file that they name, and explains what it finds.",
    flags: [],
  },
];

const HELP = { name: "help", short: "h", meaning: "help" };
const VERSION = { name: "version", short: "v", meaning: "show the version and exit" };

/** `registry help`. */
export function usage(): string {
  const commands = [
    ...COMMANDS.map(({ name, summary }) => [name, summary] as const),
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
    ...commands.map(([name, summary]) => `  ${name.padEnd(16)} ${summary}`),
    "",
    "Flags:",
    ...flagLines([{ ...HELP, meaning: "help for registry" }, VERSION]),
    "",
    'Use "registry [command] --help" for more information about a command.',
    "",
  ].join("\n");
}

/** `registry <command> --help`. */
export function commandUsage(command: CommandSpec): string {
  return [
    `${command.summary}.`,
    command.details,
    "",
    "Usage:",
    `  registry ${command.name} ${command.arguments} [flags]`,
    "",
    "Flags:",
    ...flagLines([...command.flags, { ...HELP, meaning: `help for ${command.name}` }]),
    "",
  ].join("\n");
}

export const HELP_FLAG: FlagSpec = HELP;
export const VERSION_FLAG: FlagSpec = VERSION;

function flagLines(flags: CommandSpec["flags"]): string[] {
  return flags.map(({ name, short, value, meaning }) => {
    const long = value === undefined ? name : `${name} ${value}`;
    return `  ${short === undefined ? "   " : `-${short},`} --${long.padEnd(16)} ${meaning}`;
  });
}
