import { revokeRefreshTokens } from "@longshore/token-server";
import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { withTokenServer } from "../open-token-server.js";

/** Ends the refresh tokens of an account: clients that kept one have to log in again. */
export function revokeLogins(invocation: Invocation): Promise<number> {
  const account = invocation.values.get("account") ?? "";
  if (account === "") throw new UsageError("logins revoke needs --account");
  return withTokenServer(invocation, async ({ records }) => {
    await revokeRefreshTokens(records, account, Date.now());
    invocation.terminal.out(`the logins of ${account} have ended\n`);
    return 0;
  });
}
