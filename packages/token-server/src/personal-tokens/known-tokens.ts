import type { Clock } from "@longshore/auth";
import { LRUCache } from "lru-cache";
import type { KeptToken } from "./token-record.js";
import type { TokenStore } from "./token-store.js";
import { digestOf } from "./token-text.js";

/** How long a token that was read holds (ms). With the time to read it, a revocation is seen by every process within a second. */
const FRESH = 500;

const REMEMBERED = 10_000;

/** Tokens as they are kept now, or were half a second ago. */
export interface KnownTokens {
  /** Undefined: there is no such token, or no longer. Throws what the store throws. */
  find(text: string): Promise<KeptToken | undefined>;
  /** The same without a wait: undefined also if it isn't remembered. */
  recall(text: string): KeptToken | undefined;
  forget(): void;
}

interface Known {
  readonly token: KeptToken;
  readonly since: number;
}

/** One look at the storage for all who show the same token at the same time, and none for those who come just afterwards. */
export function createKnownTokens(store: TokenStore, clock: Clock): KnownTokens {
  const known = new LRUCache<string, Known>({ max: REMEMBERED });
  const looking = new Map<string, Promise<KeptToken | undefined>>();

  function recall(digest: string): KeptToken | undefined {
    const found = known.get(digest);
    if (found === undefined) return undefined;
    const age = clock() - found.since;
    // A clock that was set back doesn't lengthen it.
    return age >= 0 && age < FRESH ? found.token : undefined;
  }

  async function look(text: string, digest: string): Promise<KeptToken | undefined> {
    // From before the look: a token that is revoked while it is read must not hold for longer.
    const since = clock();
    const token = await store.find(text);
    if (token === undefined) known.delete(digest);
    else known.set(digest, { token, since });
    return token;
  }

  return {
    recall: (text) => recall(digestOf(text)),
    find(text) {
      const digest = digestOf(text);
      const token = recall(digest);
      if (token !== undefined) return Promise.resolve(token);
      const under = looking.get(digest) ?? look(text, digest).finally(() => looking.delete(digest));
      looking.set(digest, under);
      return under;
    },
    forget: () => known.clear(),
  };
}
