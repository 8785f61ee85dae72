import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../ports.js";

/** Options of {@link createVerifiedPasswords}. */
export interface VerifiedPasswordsOptions {
  readonly clock: Clock;
  /** How long a verified password is remembered, in milliseconds; 0: not at all. */
  readonly ttl: number;
  readonly capacity?: number | undefined;
}

/** Remembers which passwords were right, without storing them. */
export interface VerifiedPasswords {
  /** A key for the combination of account, password and hash; meaningless outside of this process. */
  key(account: string, password: string, hash: string): string;
  has(key: string): boolean;
  add(key: string): void;
  /** Remembers `other` for as long as `key`, if that is remembered. */
  share(key: string, other: string): void;
}

/**
 * The keys are HMAC-SHA256 under a key that only this process has. They include the hash from the file, so that an account
 * that was removed or got a new password is never found.
 */
export function createVerifiedPasswords({
  clock,
  ttl,
  capacity = 10_000,
}: VerifiedPasswordsOptions): VerifiedPasswords {
  const secret = randomBytes(32);
  const until = new LRUCache<string, number>({ max: capacity });
  return {
    // JSON separates the three unambiguously.
    key: (...parts) => createHmac("sha256", secret).update(JSON.stringify(parts)).digest("base64"),
    has(key) {
      const end = until.get(key);
      const left = end === undefined ? 0 : end - clock();
      // A clock that was set back must not extend it.
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
