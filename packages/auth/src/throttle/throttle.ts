import { LRUCache } from "lru-cache";
import type { Clock } from "../ports.js";
import { sourceOf } from "./source.js";

/** How patient a {@link LoginThrottle} is. Times in milliseconds. */
export interface ThrottleOptions {
  readonly clock: Clock;
  /** Failures in a row of one account at one address before it has to wait there. */
  readonly attempts: number;
  /** The first wait; each further failure doubles it. */
  readonly delay: number;
  readonly maxDelay: number;
  /** How many accounts at addresses, and how many addresses, are remembered. */
  readonly capacity?: number | undefined;
}

/** Slows those who try passwords. It knows what one process saw, in bounded memory. */
export interface LoginThrottle {
  /** Milliseconds to wait before the next attempt; 0: now. */
  wait(account: string, remoteAddress: string | undefined): number;
  /** A wrong password. */
  failed(account: string, remoteAddress: string | undefined): void;
  /** A right one: this account starts anew at this address. */
  succeeded(account: string, remoteAddress: string | undefined): void;
}

/** Failures are forgotten when none followed for this long, and for the longest wait at the least. */
const FORGET = 15 * 60_000;

/** An address may fail this many times more than one account there: behind it may stand a whole office. */
const ADDRESS_SHARE = 5;

/** An address that used up its attempts earns the next in so many first waits. */
const ADDRESS_REFILL = 3;

interface Failures {
  readonly count: number;
  readonly last: number;
  /** Whether it logged in from there before: then what others do at that address doesn't hold it up. */
  readonly proven: boolean;
}

/** What an address may still spend, in milliseconds of waiting, and as of when. */
interface Bucket {
  readonly credit: number;
  readonly at: number;
}

const UNKNOWN: Failures = { count: 0, last: 0, proven: false };

/** Never makes anybody wait. */
export const NO_THROTTLE: LoginThrottle = { wait: () => 0, failed: () => undefined, succeeded: () => undefined };

/**
 * Two measures. An account at an address has to wait after some failures in a row, each time twice as long; an address that
 * fails with whatever accounts has a bucket of attempts that fills again slowly. Nothing is counted for an account alone, so
 * that nobody can lock somebody else out from elsewhere.
 */
export function createLoginThrottle(options: ThrottleOptions): LoginThrottle {
  const { clock, attempts, delay, maxDelay, capacity = 10_000 } = options;
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
    const known = addresses.get(source) ?? { credit: allowance, at: now };
    // A clock that was set back earns nothing and costs nothing.
    return { credit: Math.min(allowance, known.credit + Math.max(0, now - known.at)), at: now };
  }

  function accountWait({ count, last }: Failures, now: number): number {
    if (count < attempts) return 0;
    const pause = Math.min(maxDelay, delay * 2 ** (count - attempts));
    // No longer than the pause itself, whatever the clock did since.
    return Math.min(pause, Math.max(0, last + pause - now));
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
      addresses.set(source, { credit: Math.max(0, bucket.credit - price), at: now });
    },
    succeeded(account, remoteAddress) {
      accounts.set(keyOf(account, sourceOf(remoteAddress)), { ...UNKNOWN, proven: true });
    },
  };
}
