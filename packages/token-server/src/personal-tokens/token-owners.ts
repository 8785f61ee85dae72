import { isAuthError, type AuthLog, type Clock, type Identity } from "@longshore/auth";
import { LRUCache } from "lru-cache";
import type { LoginContext, TokenSite } from "../contract.js";
import type { KeptToken } from "./token-record.js";

/** Whose tokens they are, as the sources of their accounts say. Times in milliseconds. */
export interface TokenOwnersOptions {
  readonly site: TokenSite | undefined;
  /** How long an answer of a source holds. */
  readonly recheck: number;
  /** How long the last answer holds while the source is down. */
  readonly grace: number;
  readonly clock: Clock;
  readonly log: AuthLog;
}

/** Who the holders of tokens are now. */
export interface TokenOwners {
  /** Undefined: the account is gone or disabled. Throws AuthError UNAVAILABLE if its source can't tell, and the grace is over. */
  identify(token: KeptToken, context: LoginContext): Promise<Identity | undefined>;
  /** The same without a wait: undefined also if its source must be asked. */
  recall(token: KeptToken): Identity | undefined;
}

interface KnownOwner {
  readonly identity: Identity | undefined;
  readonly since: number;
}

const REMEMBERED = 10_000;

/**
 * A token ends with its account, and has the labels that the account has now. Accounts that no source is asked about, such as robots, are
 * what was said at their creation.
 */
export function createTokenOwners({ site, recheck, grace, clock, log }: TokenOwnersOptions): TokenOwners {
  const known = new LRUCache<string, KnownOwner>({ max: REMEMBERED });

  function keyOf({ source, account }: KeptToken): string {
    return JSON.stringify([source, account]);
  }

  function ageOf({ since }: KnownOwner): number {
    return Math.abs(clock() - since);
  }

  async function ask(source: string, token: KeptToken, context: LoginContext): Promise<Identity | undefined> {
    const found = await site?.lookup(source, token.account, context);
    return found === "unsupported" || site === undefined ? recorded(token) : found;
  }

  return {
    recall(token) {
      if (token.source === undefined) return recorded(token);
      const before = known.get(keyOf(token));
      return before !== undefined && ageOf(before) < recheck ? before.identity : undefined;
    },
    async identify(token, context) {
      const { source } = token;
      if (source === undefined) return recorded(token);
      const key = keyOf(token);
      const before = known.get(key);
      const age = before === undefined ? Number.POSITIVE_INFINITY : ageOf(before);
      if (before !== undefined && age < recheck) return before.identity;
      try {
        const identity = await ask(source, token, context);
        known.set(key, { identity, since: clock() });
        return identity;
      } catch (error) {
        if (!isAuthError(error, "UNAVAILABLE") || before === undefined || age >= grace) throw error;
        log.warn("a token's account can't be looked up at the moment; its last known state is used for a while", {
          source,
          error: error.message,
        });
        return before.identity;
      }
    },
  };
}

function recorded({ account, labels }: KeptToken): Identity {
  return { account, labels: new Map(Object.entries(labels)) };
}
