import { parseBoolean } from "@longshore/base/boolean";

/** A flag of a command: either a switch, which is off unless given, or one that takes a value. */
export interface FlagSpec {
  readonly name: string;
  /** Its one-letter form, if it has one. */
  readonly short?: string | undefined;
  /** The name of its value in the usage; undefined for a switch. */
  readonly value?: string | undefined;
}

export interface ParsedArguments {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly positional: readonly string[];
}

/** The command line is invalid. The messages are Distribution's. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads flags as Distribution's command line does: anywhere among the arguments, as `--name`, `--name=false`, `-n`,
 * `-n=false` or several short ones at once (`-dm`). Everything after `--` is positional. If a flag is repeated, the last one
 * wins.
 * @throws UsageError
 */
export function parseArguments(args: readonly string[], specs: readonly FlagSpec[]): ParsedArguments {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const positional: string[] = [];
  const set = (name: string, value: string | undefined, shown: string) => {
    const on = value === undefined ? true : parseBoolean(value);
    if (on === undefined) {
      throw new UsageError(`invalid argument ${JSON.stringify(value)} for ${shown} flag: expected true or false`);
    }
    if (on) flags.add(name);
    else flags.delete(name);
  };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") return { flags, values, positional: [...positional, ...rest] };
    const [head, value] = splitOnce(arg);
    if (arg.startsWith("--")) {
      const spec = specs.find(({ name }) => name === head.slice(2));
      if (!spec) throw new UsageError(`unknown flag: ${head}`);
      if (spec.value === undefined) set(spec.name, value, head);
      else values.set(spec.name, takeValue(value, head, rest));
    } else if (arg.startsWith("-") && arg !== "-") {
      const letters = Array.from(head.slice(1));
      letters.forEach((letter, at) => {
        const spec = specs.find(({ short, value: named }) => short === letter && named === undefined);
        if (!spec) throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
        set(spec.name, at === letters.length - 1 ? value : undefined, `-${letter}`);
      });
    } else positional.push(arg);
  }
  return { flags, values, positional };
}

/** A flag's value: what follows its `=`, or the next argument. */
function takeValue(given: string | undefined, shown: string, rest: string[]): string {
  const value = given ?? rest.shift();
  if (value === undefined) throw new UsageError(`flag needs an argument: ${shown}`);
  return value;
}

function splitOnce(arg: string): [string, string | undefined] {
  const at = arg.indexOf("=");
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}
