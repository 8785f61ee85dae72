import {
  AuthError,
  CrowdedOutError,
  createFairQueue,
  isAuthError,
  networksOf,
  type Clock,
  type PasswordCredentials,
} from "@longshore/auth";
import { abortable } from "@longshore/base/abort";
import { createCircuit } from "@longshore/base/circuit";
import { SECOND } from "@longshore/base/duration";
import type { IdentitySource, Login, LoginContext, SourceLimits } from "../../contract.js";
import { createLoginCache } from "./login-cache.js";
import { createSharedWork } from "./shared-work.js";

/** Limits of a source that names none. */
export const DEFAULT_LIMITS: SourceLimits = { timeout: 30 * SECOND, concurrency: 64, cachettl: 0 };

/** Failures in a row after which a source isn't asked for a while, and how long (ms). */
const THRESHOLD = 5;
const PAUSE = 5 * SECOND;

/** Logins that may wait for their turn: of all clients, and of one address. */
const WAITING = 1024;
const WAITING_PER_SOURCE = 128;

/** Seconds after which a login that was crowded out is worth another try. */
const OVERLOAD_RETRY = 5;

/**
 * `source` within its limits: a login that is remembered is answered at once; others are verified once however many clients ask
 * at the same time, take turns by address, and end with UNAVAILABLE when their time is up. A source that failed several times in a row
 * is left alone for a while. It can't slow or exhaust anything beyond its own limits, even if it ignores its signal.
 */
export function guardSource(source: IdentitySource, limits: SourceLimits, clock: Clock): IdentitySource {
  const { timeout, concurrency, cachettl, failures = THRESHOLD } = limits;
  const cache = createLoginCache({ clock, ttl: cachettl });
  const logins = createSharedWork<Login>();
  const circuit = createCircuit({ threshold: failures, pause: PAUSE, now: clock });
  // A single address gets half, so that there is always room for another.
  const concurrencyPerSource = Math.max(1, Math.floor(concurrency / 2));
  const queue = createFairQueue({
    concurrency,
    concurrencyPerSource,
    waiting: WAITING,
    waitingPerSource: WAITING_PER_SOURCE,
  });

  /** Does `work`, and counts how it ends for the circuit. */
  async function attempt<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal, time: AbortSignal) {
    const pause = circuit.enter();
    if (pause > 0) throw unavailable(`${source.name} has failed repeatedly; it is asked again in ${pause} ms`);
    const both = AbortSignal.any([signal, time]);
    try {
      const result = await abortable(work(both), both);
      circuit.succeeded();
      return result;
    } catch (error) {
      if (time.aborted) circuit.failed();
      else if (signal.aborted) circuit.abandoned();
      else if (isAuthError(error) && error.code !== "UNAVAILABLE") circuit.succeeded();
      else circuit.failed();
      throw error;
    }
  }

  /** Does `work` when it is its turn. Throws AuthError UNAVAILABLE for everything that goes wrong, THROTTLED if too many wait. */
  async function inTurn<T>(
    place: readonly string[],
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const time = new AbortController();
    const timer = setTimeout(() => time.abort(new Error("time is up")), timeout);
    try {
      const turn = queue.run({ groups: place, trust: "clean" }, async () => {
        signal.throwIfAborted();
        time.signal.throwIfAborted();
        return attempt(work, signal, time.signal);
      });
      return await abortable(turn, AbortSignal.any([signal, time.signal]));
    } catch (error) {
      if (isAuthError(error)) throw error;
      if (signal.aborted) throw signal.reason;
      if (time.signal.aborted) throw unavailable(`${source.name} didn't answer within ${timeout} ms`);
      if (error instanceof CrowdedOutError)
        throw new AuthError(
          { code: "THROTTLED", retryAfter: OVERLOAD_RETRY, reason: `too many logins wait for ${source.name}` },
          { cause: error },
        );
      const reason = error instanceof Error ? error.message : "unknown fault";
      throw unavailable(`${source.name} failed: ${reason}`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Who takes turns with whom: addresses; accounts where addresses aren't known. */
  function placeOf(account: string, remoteAddress: string | undefined): readonly string[] {
    return remoteAddress === undefined ? [account] : networksOf(remoteAddress);
  }

  /** What is recalled must be of the files as they are; undefined: they are known. */
  function upToDate({ signal }: LoginContext): Promise<void> | undefined {
    const checking = source.check?.();
    return checking === undefined ? undefined : abortable(checking, signal);
  }

  function recall(credentials: PasswordCredentials, { service }: LoginContext): Login | undefined {
    return source.recall?.(credentials) ?? (cachettl > 0 ? cache.get(cache.key(credentials, service)) : undefined);
  }

  const lookup = source.lookup?.bind(source);
  return {
    name: source.name,
    anonymous: source.anonymous,
    async verify(credentials, context) {
      const checking = upToDate(context);
      if (checking !== undefined) await checking;
      const known = recall(credentials, context);
      if (known !== undefined) return known;
      const key = cache.key(credentials, context.service);
      const place = placeOf(credentials.account, context.remoteAddress);
      return logins.run(key, context.signal, async (signal) => {
        const login = await inTurn(place, signal, (both) => source.verify(credentials, { ...context, signal: both }));
        if (login.outcome === "identified") cache.add(key, login);
        return login;
      });
    },
    passOver(credentials, context) {
      // What is recalled already must not be remembered for longer.
      if (recall(credentials, context) !== undefined) return;
      source.passOver?.(credentials, context);
      cache.add(cache.key(credentials, context.service), { outcome: "unknown" });
    },
    ...(lookup && {
      async lookup(account: string, context: LoginContext) {
        const checking = upToDate(context);
        if (checking !== undefined) await checking;
        const known = source.recallAccount?.(account);
        if (known !== undefined) return known;
        return inTurn(placeOf(account, context.remoteAddress), context.signal, (both) =>
          lookup(account, { ...context, signal: both }),
        );
      },
    }),
    ...(source.resume && { resume: source.resume.bind(source) }),
    ways: source.ways,
    grants: source.grants,
    pages: source.pages,
    async reload() {
      await source.reload?.();
    },
    close: () => source.close(),
  };
}

function unavailable(reason: string, cause?: unknown): AuthError {
  return new AuthError({ code: "UNAVAILABLE", reason }, { cause });
}
