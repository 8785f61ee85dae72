import { requiredText, textList, textOr } from "@longshore/options/declare";
import type { z } from "zod";

/** How a program is started, for kinds to declare among their own options. */
export function commandOptions(occasion: string) {
  return {
    command: requiredText(`The program, with its absolute path. It is started for each ${occasion}, without a shell.`),
    args: textList("Its arguments."),
    folder: textOr("/", "The folder in which it is started."),
    environment: textList(
      "Environment variables of the registry that it gets beside `PATH` and `LANG`, by their names; `*`: all but `REGISTRY_…`.",
    ),
  };
}

/** Parsed {@link commandOptions}. */
export type CommandOptions = z.output<z.ZodObject<ReturnType<typeof commandOptions>>>;
