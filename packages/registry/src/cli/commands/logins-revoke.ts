import { revokeRefreshTokens } from "@longshore/token-server";
import type { Command } from "../command.js";
import { UsageError } from "../flags.js";
import { withTokenServer } from "../open-token-server.js";

/** Ends the refresh tokens of an account: clients that kept one have to log in again. */
export const loginsRevoke: Command = {
  name: "logins revoke",
  operands: [],
  summary: "`logins revoke` revokes the logins that clients keep for an account",
  details:
    "Revokes every refresh token of the account at once, on every replica. Access tokens that clients already have expire by themselves.",
  flags: [{ name: "account", value: "name", meaning: "whose logins" }],
  run(invocation) {
    const account = invocation.values.get("account") ?? "";
    if (account === "") throw new UsageError("logins revoke needs --account");
    return withTokenServer(invocation, async ({ records }) => {
      await revokeRefreshTokens(records, account, Date.now());
      invocation.terminal.out(`the logins of ${account} have ended\n`);
      return 0;
    });
  },
};
