import { flag, integer } from "@longshore/options/declare";
import type { z } from "zod";
import { limitOptions } from "../chain/chain-options.js";
import { commandOptions } from "./command-options.js";

/** `program`. */
export const programOptions = {
  ...commandOptions("login"),
  maxoutput: integer(65_536, { min: 1024, max: 16_777_216 }, "The most bytes it may print."),
  labelpatterns: flag(
    false,
    "Label values that rules insert (`${labels:K}`) are patterns, as in docker_auth, and not literal text.",
  ),
  ...limitOptions({ timeout: "10s", concurrency: 8, cachettl: "1m" }),
};

/** Parsed {@link programOptions}; times in milliseconds. */
export type ProgramOptions = z.output<z.ZodObject<typeof programOptions>>;
