import type { Command } from "../command.js";

/** Lists personal access tokens: a line for each, or JSON. */
export const tokenList: Command = {
  name: "token list",
  operands: [],
  summary: "`token list` lists personal access tokens",
  details:
    "The tokens themselves aren't shown: only their digests are kept. A robot's account is robot/<name>. Exits with 1 if a record can't be read; the others are listed nevertheless.",
  flags: [
    { name: "account", value: "name", meaning: "only the tokens of this account" },
    { name: "json", meaning: "print one JSON document per line" },
  ],
  run: async (invocation) => (await import("../actions/token-list.js")).listTokens(invocation),
};
