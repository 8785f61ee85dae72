import { flag } from "@longshore/options/declare";
import type { z } from "zod";
import { limitOptions } from "../chain/chain-options.js";
import { callOptions } from "./call-options.js";

/** `hook`. */
export const hookOptions = {
  ...callOptions('Where logins are posted, as JSON: `{"account": …, "password": …}`.'),
  labelpatterns: flag(
    false,
    "Label values that rules insert (`${labels:K}`) are patterns, as in docker_auth, and not literal text.",
  ),
  ...limitOptions({ timeout: "10s", concurrency: 32, cachettl: "1m" }),
};

/** Parsed {@link hookOptions}; times in milliseconds. */
export type HookOptions = z.output<z.ZodObject<typeof hookOptions>>;
