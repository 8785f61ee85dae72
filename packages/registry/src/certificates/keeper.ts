import { setTimeout as delay } from "node:timers/promises";
import { HOUR, MINUTE, SECOND } from "@longshore/base/duration";
import type { Leases } from "@longshore/mirror/leases";
import type { LetsEncryptConfig } from "../config/letsencrypt.js";
import type { CertificateSource } from "../metrics/server-metrics.js";
import { errorFields, type Log } from "../observability/log.js";
import type { CertificateCache } from "./cache-directory.js";
import type { CertificatePair } from "./pair.js";
import { leaseOf, type Attempts, type CertificateRecords, type StoredPair } from "./records.js";
import { isValid, LONGEST_PAUSE, pauseAfter, renewalOf, restAfter, type Failure } from "./schedule.js";

export interface KeeperOptions {
  readonly config: Pick<LetsEncryptConfig, "hosts" | "directoryurl" | "cachefile">;
  readonly records: CertificateRecords;
  readonly leases: Leases<string>;
  readonly cache: CertificateCache;
  /** Gets a certificate from the authority. Throws OrderError; anything else counts as a refusal. */
  readonly order: (host: string, accountKey: string, signal: AbortSignal) => Promise<CertificatePair>;
  readonly newKey: () => string;
  /** Called with all certificates that can be shown to clients, whenever one has changed. */
  readonly use: (pairs: readonly CertificatePair[]) => void;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** Keeps the certificates of this process's registry. */
export interface CertificateKeeper extends CertificateSource {
  /** Orders and renews from now on: what answers challenges has to listen by then. */
  begin(): void;
  /** Reads `cachefile` again, and tries at once what has failed, unless the authority said when. */
  reload(): void;
  /** Orders in progress are given up. */
  close(): Promise<void>;
}

/** How often the storage is looked at for what another replica did, while there is no certificate or another replica orders (ms) … */
const SOON = 5 * SECOND;
/** … while renewals fail … */
const LATER = MINUTE;
/** … and otherwise. */
const SELDOM = HOUR;

/** What this program says of a failed order. */
function failureOf(error: unknown): { readonly failure: Failure; readonly wait: number | undefined } {
  const failure = error instanceof Error && "failure" in error ? error.failure : undefined;
  const wait = error instanceof Error && "wait" in error && typeof error.wait === "number" ? error.wait : undefined;
  return { failure: failure === "unreachable" || failure === "postponed" ? failure : "refused", wait };
}

/** Reads the certificates that are there, and uses them. */
export async function openKeeper(options: KeeperOptions): Promise<CertificateKeeper> {
  const { config, records, leases, cache, order, newKey, use, log, clock } = options;
  const { hosts, directoryurl: directory } = config;
  const pairs = new Map<string, CertificatePair>();
  const failures = new Map<string, number>();
  const ending = new AbortController();
  let isImpatient = false;
  let wake = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const messageFor = (host: string, what: string): string => `certificate of ${host}: ${what}`;
  const day = (time: number): string => new Date(time).toISOString();

  /** Uses a certificate for new connections, and leaves it where Distribution would find it. */
  async function take(pair: CertificatePair): Promise<void> {
    if (pairs.get(pair.host)?.chain === pair.chain) return;
    pairs.set(pair.host, pair);
    let isUsed = true;
    try {
      use(hosts.flatMap((host) => pairs.get(host) ?? []));
    } catch (error) {
      isUsed = false;
      log.error(messageFor(pair.host, "can't be used"), errorFields(error));
    }
    await toCache(pair.host, async () => {
      if ((await cache.readPair(pair.host))?.chain !== pair.chain) await cache.writePair(pair);
    });
    // Last: whoever reads it and then kills this process finds the certificate in `cachefile`.
    if (isUsed) {
      log.info(messageFor(pair.host, `valid until ${day(pair.notAfter)}; to be renewed from ${day(renewalOf(pair))}`));
    }
  }

  async function toCache(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const message = `${config.cachefile} (http.tls.letsencrypt.cachefile) can't be written; the storage has it`;
      log.warn(messageFor(what, message), errorFields(error));
    }
  }

  /** Uses the better one of storage and `cachefile`, and gives the storage what only the latter has. */
  async function load(host: string): Promise<void> {
    const cached = await cache.readPair(host);
    try {
      const stored = await records.readPair(host);
      const isNewer =
        cached !== undefined && isValid(cached, clock()) && cached.notAfter > (stored?.pair.notAfter ?? 0);
      const best = isNewer ? await records.keepPair({ pair: cached, directory }, stored) : stored;
      if (best !== undefined) await take(best.pair);
      failures.set(host, (await records.readAttempts(host))?.failures ?? 0);
    } catch (error) {
      log.error(messageFor(host, "the storage can't be read; what is in cachefile is used"), errorFields(error));
      if (cached !== undefined) await take(cached);
    }
  }

  const isDue = (found: StoredPair | undefined): boolean =>
    found?.directory !== directory || clock() >= renewalOf(found.pair);

  /** How long to leave a host alone (ms); undefined: it may be tried. */
  function waitOf(attempts: Attempts | undefined, impatient: boolean): number | undefined {
    if (attempts?.directory !== directory) return undefined;
    if (impatient && !attempts.isPostponed) return undefined;
    const wait = attempts.after - clock();
    return wait > 0 && wait <= LONGEST_PAUSE ? wait : undefined;
  }

  /** Looks after one host; resolves with how long it can be left alone (ms). */
  async function visit(host: string, impatient: boolean): Promise<number> {
    const found = await records.readPair(host);
    if (found !== undefined) await take(found.pair);
    if (found !== undefined && !isDue(found)) {
      failures.set(host, 0);
      return Math.max(SECOND, renewalOf(found.pair) - clock());
    }
    const before = await records.readAttempts(host);
    failures.set(host, before?.failures ?? 0);
    const wait = waitOf(before, impatient);
    // The one that is ordering writes down a pause first: without a certificate, what came of it is wanted soon.
    if (wait !== undefined) return Math.min(wait, pairs.has(host) ? LATER : SOON);
    const lease = await leases.take(leaseOf(host), host);
    if (lease === undefined) return SOON;
    try {
      return await attempt(host, impatient);
    } finally {
      await lease.release();
    }
  }

  /** Orders, as the only process that does. */
  async function attempt(host: string, impatient: boolean): Promise<number> {
    // Again: the process that had the lease before may have got a certificate, or failed to.
    const found = await records.readPair(host);
    const before = await records.readAttempts(host);
    if (!isDue(found) || waitOf(before, impatient) !== undefined) return 0;
    const count = before?.directory === directory ? before.failures + 1 : 1;
    const note = async (failure: Failure, asked?: number): Promise<number> => {
      const pause = pauseAfter(failure, count, asked);
      const isPostponed = failure === "postponed";
      await records.keepAttempts(host, { directory, failures: count, after: clock() + pause, isPostponed });
      return pause;
    };
    // Before the attempt: a process that dies in the middle, again and again, must not ask again and again.
    await note("interrupted");
    try {
      log.info(messageFor(host, `ordering one from ${new URL(directory).host}`));
      const key = await accountKey();
      ending.signal.throwIfAborted();
      const pair = await order(host, key, ending.signal);
      const kept = await records.keepPair({ pair, directory }, found);
      if (kept === undefined) throw new Error("the storage doesn't keep what is written to it");
      const after = clock() + restAfter(pair);
      await records.keepAttempts(host, { directory, failures: 0, after, isPostponed: true });
      failures.set(host, 0);
      await take(kept.pair);
      return 0;
    } catch (error) {
      ending.signal.throwIfAborted();
      const { failure, wait } = failureOf(error);
      const pause = await note(failure, wait);
      failures.set(host, count);
      const next = `no certificate; the next attempt is at ${day(clock() + pause)}, or on SIGHUP`;
      log.error(messageFor(host, next), errorFields(error));
      return Math.min(pause, LATER);
    }
  }

  async function accountKey(): Promise<string> {
    const cached = await cache.readAccountKey();
    const key = await records.accountKey(directory, () => cached ?? newKey());
    if (key !== cached) await toCache("the account", () => cache.writeAccountKey(key));
    return key;
  }

  async function round(impatient: boolean): Promise<number> {
    let pause = SELDOM;
    for (const host of hosts) {
      try {
        if (impatient) await load(host);
        pause = Math.min(pause, await visit(host, impatient));
      } catch (error) {
        ending.signal.throwIfAborted();
        log.error(
          messageFor(host, "can't be looked after; the storage is asked again in a minute"),
          errorFields(error),
        );
        pause = Math.min(pause, LATER);
      }
    }
    return pause;
  }

  function isReloading(): boolean {
    const was = isImpatient;
    isImpatient = false;
    return was;
  }

  async function loop(): Promise<void> {
    while (!ending.signal.aborted) {
      wake = new AbortController();
      const pause = await round(isReloading());
      const signal = AbortSignal.any([wake.signal, ending.signal]);
      await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  for (const host of hosts) await load(host);
  return {
    states: () =>
      hosts.map((host) => ({ host, expires: pairs.get(host)?.notAfter, failures: failures.get(host) ?? 0 })),
    begin() {
      running = loop().catch((error: unknown) => {
        if (!ending.signal.aborted) log.error("certificates are no longer looked after", errorFields(error));
      });
    },
    reload() {
      isImpatient = true;
      wake.abort();
    },
    async close() {
      ending.abort(new Error("the registry stops"));
      await running;
    },
  };
}
