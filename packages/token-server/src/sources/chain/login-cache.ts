import type { Clock, PasswordCredentials } from "@longshore/auth";
import { LRUCache } from "lru-cache";
import { createHmac, randomBytes } from "node:crypto";
import type { Login } from "../../contract.js";

/** Logins that are remembered for each source. */
const CAPACITY = 10_000;

/** Options of {@link createLoginCache}. */
export interface LoginCacheOptions {
  readonly clock: Clock;
  /** Milliseconds for which a login is remembered; 0: not at all. */
  readonly ttl: number;
}

/** Remembers what became of logins without holding a password. */
export interface LoginCache {
  /** A name for the credentials that tells nothing outside of this process. */
  key(credentials: PasswordCredentials, service: string): string;
  get(key: string): Login | undefined;
  add(key: string, login: Login): void;
}

/** A bounded cache. Its keys are HMAC-SHA256 of the credentials under a key of this process's own. */
export function createLoginCache({ clock, ttl }: LoginCacheOptions): LoginCache {
  const secret = randomBytes(32);
  const logins = new LRUCache<string, { readonly login: Login; readonly end: number }>({ max: CAPACITY });
  return {
    // JSON keeps the parts apart, whatever they hold.
    key: ({ account, password }, service) =>
      createHmac("sha256", secret)
        .update(JSON.stringify([account, password, service]))
        .digest("base64"),
    get(key) {
      const known = logins.get(key);
      const left = known === undefined ? 0 : known.end - clock();
      // A clock that was set back doesn't lengthen it.
      if (left > 0 && left <= ttl) return known?.login;
      logins.delete(key);
      return undefined;
    },
    add(key, login) {
      if (ttl > 0) logins.set(key, { login, end: clock() + ttl });
    },
  };
}
