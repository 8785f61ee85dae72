import type { Log } from "../../observability/log.js";

/** A login that was refused or throttled. */
interface RefusedLogin {
  readonly account: string | undefined;
  readonly address: string | undefined;
  readonly reason: string;
}

/** Logs a warning when more logins are refused than mistyped passwords can explain. */
export interface RefusedLogins {
  note(login: RefusedLogin): void;
}

/** The period that a warning covers (ms), and the number of refused logins that warrants one. */
const WINDOW = 60_000;
const MANY = 20;

/** The most different accounts and addresses that are counted. */
const MOST_NAMES = 1000;

/**
 * Warns at most once per window, when `MANY` logins were refused in it. Each warning covers the time since the previous one.
 */
export function createRefusedLogins(log: Log, clock: () => number = () => performance.now()): RefusedLogins {
  const accounts = new Set<string>();
  const addresses = new Set<string>();
  let count = 0;
  let since = 0;
  let warnedAt = Number.NEGATIVE_INFINITY;

  function begin(now: number): void {
    count = 0;
    since = now;
    accounts.clear();
    addresses.clear();
  }

  return {
    note({ account, address, reason }) {
      const now = clock();
      // Old refusals that were no attack aren't counted together with new ones.
      if (count === 0 || now - since > (count < MANY ? WINDOW : 2 * WINDOW)) begin(now);
      count += 1;
      if (account !== undefined && accounts.size < MOST_NAMES) accounts.add(account);
      if (address !== undefined && addresses.size < MOST_NAMES) addresses.add(address);
      if (count < MANY || now - warnedAt < WINDOW) return;
      log.warn("many logins are being refused", {
        logins: count,
        accounts: accounts.size,
        addresses: addresses.size,
        seconds: Math.ceil((now - since) / 1000),
        "auth.user.name": (account ?? "").slice(0, 128),
        address: address ?? "",
        error: reason,
      });
      warnedAt = now;
      begin(now);
    },
  };
}
