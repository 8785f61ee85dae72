import type { Command } from "../command.js";

/** Ends personal access tokens. Every registry on the same storage refuses them within a second. */
export const tokenRevoke: Command = {
  name: "token revoke",
  operands: [],
  summary: "`token revoke` revokes personal access tokens",
  details:
    "Every registry on this storage refuses them within a second. Access tokens issued for them earlier stay valid until they expire: see tokenserver.lifetime.",
  flags: [
    { name: "id", value: "ids", meaning: "the ids of the tokens, as `token list` shows them, separated by spaces" },
    { name: "account", value: "name", meaning: "revoke all tokens of this account instead" },
  ],
  run: async (invocation) => (await import("../actions/token-revoke.js")).revokeTokens(invocation),
};
