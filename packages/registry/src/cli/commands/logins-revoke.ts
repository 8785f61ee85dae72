import type { Command } from "../command.js";

/** Ends the refresh tokens of an account: clients that kept one have to log in again. */
export const loginsRevoke: Command = {
  name: "logins revoke",
  operands: [],
  summary: "`logins revoke` revokes the logins that clients keep for an account",
  details:
    "Revokes every refresh token of the account at once, on every replica. Access tokens that clients already have expire by themselves.",
  flags: [{ name: "account", value: "name", meaning: "whose logins" }],
  run: async (invocation) => (await import("../actions/logins-revoke.js")).revokeLogins(invocation),
};
