import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { withTokens, wordsOf } from "../personal-tokens.js";

/** Ends personal access tokens. Every registry on the same storage refuses them within a second. */
export function revokeTokens(invocation: Invocation): Promise<number> {
  const { values, terminal } = invocation;
  return withTokens(invocation, async ({ store, lastUse }) => {
    const account = values.get("account");
    const ids = [...wordsOf(values.get("id"))];
    if ((account === undefined) === (ids.length === 0)) throw new UsageError("either --id or --account is needed");
    if (account !== undefined) for await (const { id } of store.list(account)) ids.push(id);
    let missing = 0;
    for (const id of ids) {
      const removed = await store.remove(id);
      if (removed === undefined) {
        terminal.err(`there is no token ${id}\n`);
        missing += 1;
        continue;
      }
      await lastUse.remove(id);
      terminal.out(removed.token === undefined ? `revoked ${id}\n` : `revoked ${id} of ${removed.token.account}\n`);
    }
    return missing > 0 ? 1 : 0;
  });
}
