import { LRUCache } from "lru-cache";
import type { Clock } from "../ports.js";
import type { Attempt, LoginOutcome, LoginRegistrar } from "./login-registrar.js";
import type { Trust } from "./fair-queue.js";
import { sourceOf } from "./attempt-source.js";
import type { LoginThrottle } from "./login-throttle.js";
import { steadyClock } from "./steady-clock.js";

/** A registrar that also answers, without waiting, from what this process knows. */
export interface LoginLedger extends LoginRegistrar {
  /** How long to wait, as far as this process knows (ms); a lower bound of what `begin` returns. */
  wait(account: string, remoteAddress: string | undefined): number;
  trust(account: string, remoteAddress: string | undefined): Trust;
}

/** Attempts of one account from one source that are under way. */
interface UnderWay {
  count: number;
  readonly waiting: (() => void)[];
}

/** An attempt that may not be made yet. */
export function toWait(wait: number): Attempt {
  return { wait, settle: () => Promise.resolve() };
}

function note(throttle: LoginThrottle, account: string, remoteAddress: string | undefined, outcome: LoginOutcome) {
  if (outcome === "right") throttle.succeeded(account, remoteAddress);
  if (outcome === "wrong") throttle.failed(account, remoteAddress);
}

/**
 * The record of one process, kept by `throttle`. No more attempts run at the same time than may still fail (but at least one),
 * so that concurrent attempts don't get more guesses than consecutive ones.
 */
export function createLoginLedger(throttle: LoginThrottle): LoginLedger {
  const attempts = new Map<string, UnderWay>();

  function leave(key: string, underWay: UnderWay): void {
    underWay.count -= 1;
    if (underWay.count === 0) attempts.delete(key);
    for (const proceed of underWay.waiting.splice(0)) proceed();
  }

  return {
    wait: (account, remoteAddress) => throttle.wait(account, remoteAddress),
    trust: (account, remoteAddress) => throttle.trust(account, remoteAddress),
    async begin(account, remoteAddress) {
      const key = `${sourceOf(remoteAddress)} ${account}`;
      for (;;) {
        const wait = throttle.wait(account, remoteAddress);
        if (wait > 0) return toWait(wait);
        const underWay = attempts.get(key) ?? { count: 0, waiting: [] };
        if (underWay.count === 0 || underWay.count < throttle.left(account, remoteAddress)) {
          underWay.count += 1;
          attempts.set(key, underWay);
          return {
            wait: 0,
            settle(outcome) {
              note(throttle, account, remoteAddress, outcome);
              leave(key, underWay);
              return Promise.resolve();
            },
          };
        }
        await new Promise<void>((resolve) => void underWay.waiting.push(resolve));
      }
    },
  };
}

/** What {@link createSharedLedger} is made of. */
export interface SharedLedgerOptions {
  /** What this process has seen itself: it decides while the registrar can't be reached. */
  readonly throttle: LoginThrottle;
  /** Keeps the record of all processes. Rejects if it doesn't answer in time. */
  readonly registrar: LoginRegistrar;
  readonly clock: Clock;
  readonly capacity?: number | undefined;
}

/** The record of all processes, seen from one of them: asks the registrar, and remembers which clients have to wait. */
export function createSharedLedger(options: SharedLedgerOptions): LoginLedger {
  const { throttle, registrar, capacity = 10_000 } = options;
  const clock = steadyClock(options.clock);
  const held = new LRUCache<string, { readonly since: number; readonly wait: number }>({ max: capacity });
  const keyOf = (account: string, remoteAddress: string | undefined) => `${sourceOf(remoteAddress)} ${account}`;

  function wait(account: string, remoteAddress: string | undefined): number {
    const hold = held.get(keyOf(account, remoteAddress));
    const left = hold === undefined ? 0 : hold.since + hold.wait - clock();
    return Math.max(0, left, throttle.wait(account, remoteAddress));
  }

  return {
    wait,
    trust: (account, remoteAddress) => throttle.trust(account, remoteAddress),
    async begin(account, remoteAddress) {
      const known = wait(account, remoteAddress);
      if (known > 0) return toWait(known);
      const leave = await registrar.begin(account, remoteAddress).catch(() => UNASKED);
      if (leave.wait > 0) held.set(keyOf(account, remoteAddress), { since: clock(), wait: leave.wait });
      return {
        wait: leave.wait,
        async settle(outcome) {
          note(throttle, account, remoteAddress, outcome);
          if (outcome === "right") held.delete(keyOf(account, remoteAddress));
          await leave.settle(outcome);
        },
      };
    },
  };
}

/** In place of the registrar's answer. What this process knows has already allowed the attempt. */
const UNASKED = toWait(0);
