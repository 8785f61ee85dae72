import { LRUCache } from "lru-cache";
import type { Clock } from "../ports.js";
import type { Trust } from "./fair-queue.js";
import { sourceOf } from "./attempt-source.js";
import { steadyClock } from "./steady-clock.js";

/** Options of {@link createLoginThrottle}. Times in milliseconds. */
export interface ThrottleOptions {
  readonly clock: Clock;
  /** Failures in a row of one account at one address after which it has to wait there. */
  readonly attempts: number;
  /** The first wait; each further failure doubles it. */
  readonly delay: number;
  readonly maxDelay: number;
  /** How many pairs of account and address, and how many addresses, are remembered. */
  readonly capacity?: number | undefined;
}

/** Slows down password guessing. It remembers reported failures in bounded memory. */
export interface LoginThrottle {
  /** Milliseconds to wait before the next attempt; 0: now. */
  wait(account: string, remoteAddress: string | undefined): number;
  /** Reports a wrong password. */
  failed(account: string, remoteAddress: string | undefined): void;
  /** Reports a right password: forgets the failures of this account at this address. */
  succeeded(account: string, remoteAddress: string | undefined): void;
  /** How many more failures in a row the account has at that address before it has to wait. */
  left(account: string, remoteAddress: string | undefined): number;
  /** How far a login is trusted, by what has been seen of the account and the address. */
  trust(account: string, remoteAddress: string | undefined): Trust;
}

/** Failures are forgotten if none follows for this long or for the longest wait, whichever is longer. */
const FORGET = 15 * 60_000;

/** An address may fail this many times as often as one account there: it may belong to a whole office. */
const ADDRESS_SHARE = 5;

/** An address that has used up its attempts regains one in this many times the first wait. */
const ADDRESS_REFILL = 3;

interface Failures {
  readonly count: number;
  readonly last: number;
  /** Whether it has logged in from there before; then failures of others at that address don't slow it down. */
  readonly proven: boolean;
}

/** What an address may still spend at a given time, in milliseconds. */
interface Bucket {
  readonly credit: number;
  readonly at: number;
  /** When a login last failed there. */
  readonly failedAt: number | undefined;
}

const UNKNOWN: Failures = { count: 0, last: 0, proven: false };

/** Never demands a wait. */
export const NO_THROTTLE: LoginThrottle = {
  wait: () => 0,
  failed: () => undefined,
  succeeded: () => undefined,
  left: () => Number.POSITIVE_INFINITY,
  trust: () => "clean",
};

/**
 * Limits logins in two ways. An account has to wait at an address after some failures in a row there, each time twice as long;
 * and each address has a bucket of attempts, for all accounts together, that refills slowly. Nothing is counted for an account
 * alone, so that an attacker can't lock a user out from elsewhere.
 */
export function createLoginThrottle(options: ThrottleOptions): LoginThrottle {
  const { attempts, delay, maxDelay, capacity = 10_000 } = options;
  const clock = steadyClock(options.clock);
  const accounts = new LRUCache<string, Failures>({ max: capacity });
  const addresses = new LRUCache<string, Bucket>({ max: capacity });
  const price = delay * ADDRESS_REFILL;
  const allowance = price * attempts * ADDRESS_SHARE;
  const forget = Math.max(FORGET, maxDelay);

  const keyOf = (account: string, source: string): string => `${source} ${account}`;

  function failuresOf(key: string, now: number): Failures {
    const known = accounts.get(key) ?? UNKNOWN;
    return now - known.last < forget ? known : { ...known, count: 0 };
  }

  function bucketOf(source: string, now: number): Bucket {
    const known = addresses.get(source) ?? { credit: allowance, at: now, failedAt: undefined };
    return { ...known, credit: Math.min(allowance, known.credit + now - known.at), at: now };
  }

  function accountWait({ count, last }: Failures, now: number): number {
    if (count < attempts) return 0;
    const pause = Math.min(maxDelay, delay * 2 ** (count - attempts));
    return Math.max(0, last + pause - now);
  }

  return {
    wait(account, remoteAddress) {
      const now = clock();
      const source = sourceOf(remoteAddress);
      const failures = failuresOf(keyOf(account, source), now);
      const addressWait = failures.proven ? 0 : Math.max(0, price - bucketOf(source, now).credit);
      return Math.max(accountWait(failures, now), addressWait);
    },
    failed(account, remoteAddress) {
      const now = clock();
      const source = sourceOf(remoteAddress);
      const key = keyOf(account, source);
      const { count, proven } = failuresOf(key, now);
      accounts.set(key, { count: count + 1, last: now, proven });
      const bucket = bucketOf(source, now);
      addresses.set(source, { credit: Math.max(0, bucket.credit - price), at: now, failedAt: now });
    },
    succeeded(account, remoteAddress) {
      accounts.set(keyOf(account, sourceOf(remoteAddress)), { ...UNKNOWN, proven: true });
    },
    left(account, remoteAddress) {
      return Math.max(0, attempts - failuresOf(keyOf(account, sourceOf(remoteAddress)), clock()).count);
    },
    trust(account, remoteAddress) {
      const now = clock();
      const source = sourceOf(remoteAddress);
      if (failuresOf(keyOf(account, source), now).proven) return "known";
      const failedAt = addresses.get(source)?.failedAt;
      return failedAt === undefined || now - failedAt >= forget ? "clean" : "suspect";
    },
  };
}
