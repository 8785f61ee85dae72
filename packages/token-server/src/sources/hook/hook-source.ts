import { isAccountName } from "@longshore/auth";
import type { IdentitySource, Login } from "../../contract.js";
import { labelled, parseLabels } from "../label-answer.js";
import { hookUnavailable, openHookClient, type HookAnswer } from "./hook-client.js";
import type { HookOptions } from "./hook-options.js";

/** Accounts that an HTTP server verifies. Throws AuthError INVALID_OPTIONS if the file of authorities can't be used. */
export async function openHook(options: HookOptions): Promise<IdentitySource> {
  const client = await openHookClient("hook", options);

  function loginOf({ status, body }: HookAnswer, account: string): Login {
    switch (status) {
      case 200:
      case 204:
        return {
          outcome: "identified",
          identity: labelled(account, parseLabels(body, "hook"), options.labelpatterns),
          renewable: true,
        };
      case 401:
      case 403:
        return { outcome: "failed", reason: "the hook denies the login" };
      case 404:
        return { outcome: "unknown" };
      default:
        // Redirects, too: a password goes to the configured server and to no other.
        throw hookUnavailable("hook", `it answered with status ${status}`);
    }
  }

  return {
    name: "hook",
    async verify({ account, password }, { signal }) {
      if (!isAccountName(account) || password === "") return { outcome: "unknown" };
      return loginOf(await client.post({ account, password }, signal), account);
    },
    close: () => client.close(),
  };
}
