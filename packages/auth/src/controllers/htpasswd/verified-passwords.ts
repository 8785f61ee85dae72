import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../ports.js";

/** Options of {@link createVerifiedPasswords}. */
export interface VerifiedPasswordsOptions {
  readonly clock: Clock;
  /** Milliseconds for which a comparison's result holds; 0: it is never remembered. */
  readonly ttl: number;
  readonly capacity?: number | undefined;
}

/** Remembers which passwords were right, without holding one. */
export interface VerifiedPasswords {
  /** Names the question whether `password` is what `hash` of `account` was made of. Tells nothing outside of this process. */
  key(account: string, password: string, hash: string): string;
  has(key: string): boolean;
  add(key: string): void;
  /** Remembers `other` for as long as `key`, if that is remembered. */
  share(key: string, other: string): void;
}

/**
 * The keys are HMAC-SHA256 under a key of this process's own. They cover the hash line: an account that was removed or has a
 * new password isn't found, whatever was remembered.
 */
export function createVerifiedPasswords({
  clock,
  ttl,
  capacity = 10_000,
}: VerifiedPasswordsOptions): VerifiedPasswords {
  const secret = randomBytes(32);
  const until = new LRUCache<string, number>({ max: capacity });
  return {
    // JSON keeps the three apart, whatever they hold.
    key: (...parts) => createHmac("sha256", secret).update(JSON.stringify(parts)).digest("base64"),
    has(key) {
      const end = until.get(key);
      const left = end === undefined ? 0 : end - clock();
      // A clock that was set back doesn't lengthen it.
      if (left > 0 && left <= ttl) return true;
      until.delete(key);
      return false;
    },
    add(key) {
      if (ttl > 0) until.set(key, clock() + ttl);
    },
    share(key, other) {
      const end = until.get(key);
      if (end !== undefined) until.set(other, end);
    },
  };
}
