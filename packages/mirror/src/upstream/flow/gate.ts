import { SECOND } from "@longshore/base/duration";
import { createCircuit } from "@longshore/base/circuit";
import type { PauseReason, RateLimit, UpstreamObserver, UpstreamStatus } from "../contract.js";
import { UpstreamError } from "../errors.js";

/** Failed attempts in a row after which the upstream is left alone for a while. */
const THRESHOLD = 5;
/** For how long (ms), before one request tries again. */
const PAUSE = 10 * SECOND;
/** After a 429 that doesn't tell how long to wait: the first pause and the longest one (ms), doubled in between. */
const FIRST_LIMIT_PAUSE = 30 * SECOND;
const LONGEST_LIMIT_PAUSE = 15 * 60 * SECOND;

/**
 * Decides whether an upstream may be asked now. A 429 holds for requests of the same sort only: at Docker Hub a manifest's GET counts,
 * its HEAD and blobs do not.
 */
export interface Gate {
  /** Throws RATE_LIMITED or UNAVAILABLE where a request of the sort `lane` is not to be made now. One of those below must follow. */
  enter(lane: string): void;
  succeeded(lane: string, rateLimit: RateLimit | undefined): void;
  /** The upstream answered what can't be used, such as 403. */
  refused(lane: string, reason: string): void;
  /** The upstream answered 429; `retryAfter` in seconds where it told. Returns the error for the caller. */
  limited(lane: string, retryAfter: number | undefined, rateLimit: RateLimit | undefined): UpstreamError;
  /** No usable answer. */
  failed(reason: string): void;
  /** What came behind a good answer's headers can't be used: it broke off, or is something else. The upstream may still be asked. */
  spoiled(reason: string): void;
  /** The caller gave up. */
  abandoned(): void;
  status(): UpstreamStatus;
}

export interface GateOptions {
  readonly host: string;
  /** ms since 1970 */
  readonly now: () => number;
  readonly observer?: UpstreamObserver | undefined;
}

export function createGate({ host, now, observer }: GateOptions): Gate {
  const circuit = createCircuit({ threshold: THRESHOLD, pause: PAUSE, now });
  const pauses = new Map<string, { until: number; refusals: number }>();
  let failure: { readonly message: string; readonly since: Date } | undefined;
  let rateLimit: RateLimit | undefined;
  let openUntil = 0;
  let lastSuccess: Date | undefined;
  let lastError: { readonly message: string; readonly at: Date } | undefined;

  const tooManyRequests = (milliseconds: number): UpstreamError =>
    new UpstreamError(host, { code: "RATE_LIMITED", retryAfter: Math.max(Math.ceil(milliseconds / SECOND), 1) });

  const note = (message: string): Date => {
    const at = new Date(now());
    lastError = { message, at };
    return at;
  };

  const answered = (lane: string): void => {
    circuit.succeeded();
    pauses.delete(lane);
    failure = undefined;
  };

  const pauseNow = (): { readonly until: Date; readonly reason: PauseReason } | undefined => {
    const limitedUntil = Math.max(0, ...[...pauses.values()].map((pause) => pause.until));
    const failingUntil = circuit.isOpen ? openUntil : 0;
    const until = Math.max(limitedUntil, failingUntil);
    if (until <= now()) return undefined;
    return { until: new Date(until), reason: failingUntil === until ? "failures" : "rate-limit" };
  };

  return {
    enter(lane) {
      const left = (pauses.get(lane)?.until ?? 0) - now();
      if (left > 0) throw tooManyRequests(left);
      const wait = circuit.enter();
      if (wait === 0) return;
      const reason = `it failed several times, at last: ${failure?.message ?? "no answer"}`;
      throw new UpstreamError(host, { code: "UNAVAILABLE", reason, retryAfter: Math.ceil(wait / SECOND) });
    },
    succeeded(lane, seen) {
      answered(lane);
      lastSuccess = new Date(now());
      rateLimit = seen ?? rateLimit;
    },
    refused(lane, reason) {
      answered(lane);
      note(reason);
    },
    limited(lane, retryAfter, seen) {
      // It answers.
      circuit.succeeded();
      failure = undefined;
      note("it answered 429");
      rateLimit = seen ?? rateLimit;
      const refusals = (pauses.get(lane)?.refusals ?? 0) + 1;
      const usual = Math.min(FIRST_LIMIT_PAUSE * 2 ** Math.min(refusals - 1, 10), LONGEST_LIMIT_PAUSE);
      const pause = retryAfter === undefined ? usual : Math.max(retryAfter, 1) * SECOND;
      pauses.set(lane, { until: now() + pause, refusals });
      observer?.paused?.(host, "rate-limit", pause / SECOND);
      return tooManyRequests(pause);
    },
    failed(reason) {
      const wasOpen = circuit.isOpen;
      circuit.failed();
      const at = note(reason);
      failure = { message: reason, since: failure?.since ?? at };
      if (!circuit.isOpen) return;
      openUntil = now() + PAUSE;
      if (!wasOpen) observer?.paused?.(host, "failures", PAUSE / SECOND);
    },
    spoiled: (reason) => void note(reason),
    abandoned: () => circuit.abandoned(),
    status() {
      const pause = pauseNow();
      return {
        ...(failure === undefined ? {} : { failure }),
        ...(pause === undefined ? {} : { pause }),
        ...(lastSuccess === undefined ? {} : { lastSuccess }),
        ...(lastError === undefined ? {} : { lastError }),
        ...(rateLimit === undefined ? {} : { rateLimit }),
      };
    },
  };
}
