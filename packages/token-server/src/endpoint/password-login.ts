import { AuthError, sourceOf, type Clock, type LoginLedger, type PasswordCredentials } from "@longshore/auth";
import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { LoginContext } from "../contract.js";
import type { ChainLogin, SourceChain } from "../sources/chain/chain.js";

/** How long a login that succeeded isn't counted as an attempt when it is repeated from the same address (ms). */
const PROVEN = 5 * 60_000;
const MOST_PROVEN = 10_000;

/** Verifies passwords, and slows those who guess them. */
export type PasswordLogin = (credentials: PasswordCredentials, context: LoginContext) => Promise<ChainLogin>;

/**
 * Asks `sources`, as often as `ledger` allows. A login that succeeded recently from the same address with the same password is no
 * guess: it doesn't wait for its turn, and the sources still decide.
 */
export function createPasswordLogin(sources: SourceChain, ledger: LoginLedger, clock: Clock): PasswordLogin {
  const secret = randomBytes(32);
  const proven = new LRUCache<string, number>({ max: MOST_PROVEN });

  function keyOf({ account, password }: PasswordCredentials, { remoteAddress }: LoginContext): string {
    const text = JSON.stringify([sourceOf(remoteAddress), account, password]);
    return createHmac("sha256", secret).update(text).digest("base64");
  }

  return async (credentials, context) => {
    const { account } = credentials;
    const key = keyOf(credentials, context);
    const since = clock() - (proven.get(key) ?? Number.NEGATIVE_INFINITY);
    if (since >= 0 && since < PROVEN) {
      const found = await sources.verify(credentials, context);
      if (found.login.outcome === "identified") return found;
      // The password has changed: from now on it is a guess like any other.
      proven.delete(key);
      return found;
    }
    const attempt = await ledger.begin(account, context.remoteAddress);
    if (attempt.wait > 0) {
      const reason = "too many failed logins of this account or from this address";
      throw new AuthError({ code: "THROTTLED", retryAfter: attempt.wait / 1000, reason, account });
    }
    let outcome: "right" | "wrong" | "unknown" = "unknown";
    try {
      const found = await sources.verify(credentials, context);
      outcome = found.login.outcome === "identified" ? "right" : "wrong";
      if (outcome === "right") proven.set(key, clock());
      return found;
    } finally {
      await attempt.settle(outcome);
    }
  };
}
