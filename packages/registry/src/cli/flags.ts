/** A switch of a command: on or off, off where it isn't given. */
export interface FlagSpec {
  readonly name: string;
  readonly short: string;
}

export interface ParsedArguments {
  readonly flags: ReadonlySet<string>;
  readonly positional: readonly string[];
}

/** The command line can't be understood; the message is the original's. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What Go's strconv.ParseBool reads. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(["1", "t", "T", "TRUE", "true", "True"].map((word) => [word, true])),
  ...Object.fromEntries(["0", "f", "F", "FALSE", "false", "False"].map((word) => [word, false])),
};

/**
 * Reads switches as the original's command line does: anywhere among the arguments, `--name`, `--name=false`, `-n`, `-n=false`
 * and several short ones at once (`-dm`). Everything behind `--` is positional. The last of two says it.
 * @throws UsageError
 */
export function parseArguments(args: readonly string[], specs: readonly FlagSpec[]): ParsedArguments {
  const flags = new Set<string>();
  const positional: string[] = [];
  const set = (name: string, value: string | undefined, shown: string) => {
    const on = value === undefined ? true : BOOLEANS[value];
    if (on === undefined) {
      throw new UsageError(`invalid argument ${JSON.stringify(value)} for ${shown} flag: allowed are true and false`);
    }
    if (on) flags.add(name);
    else flags.delete(name);
  };
  for (const [index, arg] of args.entries()) {
    if (arg === "--") return { flags, positional: [...positional, ...args.slice(index + 1)] };
    const [head, value] = splitOnce(arg);
    if (arg.startsWith("--")) {
      const spec = specs.find(({ name }) => name === head.slice(2));
      if (!spec) throw new UsageError(`unknown flag: ${head}`);
      set(spec.name, value, head);
    } else if (arg.startsWith("-") && arg !== "-") {
      const letters = Array.from(head.slice(1));
      letters.forEach((letter, at) => {
        const spec = specs.find(({ short }) => short === letter);
        if (!spec) throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
        set(spec.name, at === letters.length - 1 ? value : undefined, `-${letter}`);
      });
    } else positional.push(arg);
  }
  return { flags, positional };
}

function splitOnce(arg: string): [string, string | undefined] {
  const at = arg.indexOf("=");
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}
