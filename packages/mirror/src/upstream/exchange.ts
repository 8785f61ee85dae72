import { setTimeout as delay } from "node:timers/promises";
import { backoff } from "@longshore/base/backoff";
import { SECOND } from "@longshore/base/duration";
import type { Authorizer } from "./auth/authorizer.js";
import type { UpstreamObserver, UpstreamRequestKind } from "./contract.js";
import { isUpstreamError, UpstreamError } from "./errors.js";
import type { Gate } from "./flow/gate.js";
import { parseRateLimit, parseRetryAfter } from "./flow/retry-after.js";
import { redirectStep } from "./net/redirect.js";
import type { Wire, WireAnswer, WireRequest } from "./net/wire.js";

/** A request to the upstream's API. */
export interface ApiRequest {
  readonly kind: UpstreamRequestKind;
  readonly method: WireRequest["method"];
  /** Behind the upstream's URL: `/v2/…`, with a query where there is one; or the absolute URL of an upload. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Makes the body anew for each attempt; one that can be had once only forbids further attempts. */
  readonly body?: { readonly open: () => WireRequest["body"]; readonly once?: boolean } | undefined;
  /** What a token has to allow; undefined: nothing in particular. */
  readonly scope?: string | undefined;
  /** Whether credentials are offered at all. */
  readonly anonymous?: boolean | undefined;
  /** Statuses that the caller understands. */
  readonly expect: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Until the headers (ms), where it isn't the usual time: a body that is sent takes as long as it takes. */
  readonly timeout?: number | undefined;
}

/** Asks an upstream's API: with credentials, redirects, retries, and a pause where the upstream needs one. */
export interface Exchange {
  /**
   * An answer with one of the expected statuses, whose body the caller reads or drops. Throws UpstreamError (all kinds but
   * NOT_FOUND and UNSUPPORTED) or the signal's reason.
   */
  send(request: ApiRequest): Promise<WireAnswer>;
}

export interface ExchangeOptions {
  readonly host: string;
  readonly url: URL;
  readonly wire: Wire;
  readonly authorizer: Authorizer;
  readonly gate: Gate;
  /** Until the headers of an answer (ms). */
  readonly timeout: number;
  /** Retries after the first attempt. */
  readonly retries: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly observer?: UpstreamObserver | undefined;
}

/** Between attempts (ms). */
const PAUSES = { first: 200, longest: 5 * SECOND };
/** An upstream that asks for a longer pause gets it, but not while a client waits (s). */
const LONGEST_WAIT = 5;
/** A 401 to what we knew, one to a token for our scope, and no more. */
const MAX_CHALLENGES = 2;
/** Statuses of an upstream that may do better at the next attempt. */
const PASSING: ReadonlySet<number> = new Set([408, 500, 502, 503, 504]);

export function createExchange(options: ExchangeOptions): Exchange {
  const { host, url: base, wire, authorizer, gate, retries, now, random, observer } = options;

  /** Follows redirects. Credentials go to the upstream's own origin and nowhere else. */
  const follow = async (request: ApiRequest, authorization: string | undefined): Promise<WireAnswer> => {
    let url =
      request.path instanceof URL ? request.path : new URL(base.pathname.replace(/\/$/, "") + request.path, base);
    for (let hops = 0; ; hops += 1) {
      const isOwn = url.origin === base.origin;
      const answer = await wire.send({
        method: request.method,
        url,
        headers: {
          "accept-encoding": "identity",
          ...request.headers,
          ...(isOwn && authorization !== undefined ? { authorization } : {}),
        },
        body: request.body?.open(),
        timeout: request.timeout ?? options.timeout,
        signal: request.signal,
      });
      if (request.expect.includes(answer.status)) return answer;
      const { location } = answer.headers;
      const step = redirectStep(url, { status: answer.status, location, hops });
      if (step.kind === "none") return answer;
      await answer.drop();
      if (step.kind === "refused") throw new UpstreamError(host, { code: "REFUSED", reason: step.reason });
      // What is uploaded goes where it was meant to go.
      if (request.body !== undefined) {
        throw new UpstreamError(host, {
          code: "REFUSED",
          reason: `the upstream redirects an upload to ${step.url.host}`,
        });
      }
      url = step.url;
    }
  };

  const authorised = async (request: ApiRequest): Promise<WireAnswer> => {
    const { scope, signal } = request;
    if (request.anonymous === true) return follow(request, undefined);
    let sent = await authorizer.first(scope, signal);
    for (let challenges = 0; ; challenges += 1) {
      const answer = await follow(request, sent);
      const isOwn = answer.url.origin === base.origin;
      if (answer.status !== 401 || !isOwn || challenges === MAX_CHALLENGES) return answer;
      if (request.body?.once === true) return answer;
      await answer.drop();
      const header = answer.headers["www-authenticate"] ?? [];
      const next = await authorizer.answer(typeof header === "string" ? [header] : header, { scope, sent }, signal);
      if (next === undefined) return answer;
      sent = next;
    }
  };

  /** One attempt. Throws what its answer means. */
  const attempt = async (request: ApiRequest): Promise<WireAnswer> => {
    const lane = `${request.method} ${request.kind}`;
    gate.enter(lane);
    const began = now();
    try {
      const answer = await authorised(request);
      observer?.answered?.(host, request.kind, answer.status, (now() - began) / SECOND);
      if (request.expect.includes(answer.status)) {
        gate.succeeded(lane, parseRateLimit(answer.headers));
        return answer;
      }
      await answer.drop();
      if (answer.status === 429) {
        const retryAfter = parseRetryAfter(answer.headers["retry-after"], now());
        throw gate.limited(lane, retryAfter, parseRateLimit(answer.headers));
      }
      throw failureOf(answer);
    } catch (error) {
      if (!isUpstreamError(error)) gate.abandoned();
      else if (error.fault.code === "UNAVAILABLE") gate.failed(error.fault.reason);
      else if (error.fault.code === "RATE_LIMITED") gate.abandoned();
      else gate.refused(lane, "reason" in error.fault ? error.fault.reason : error.message);
      if (isUpstreamError(error, "UNAVAILABLE")) {
        observer?.answered?.(host, request.kind, undefined, (now() - began) / SECOND);
      }
      throw error;
    }
  };

  const failureOf = ({ status, headers, url }: WireAnswer): UpstreamError => {
    const where = url.origin === base.origin ? "it" : url.host;
    if (PASSING.has(status)) {
      const retryAfter = parseRetryAfter(headers["retry-after"], now()) ?? 1;
      return new UpstreamError(host, { code: "UNAVAILABLE", reason: `${where} answered ${status}`, retryAfter });
    }
    if (status === 401 || status === 403) {
      return new UpstreamError(host, { code: "DENIED", reason: `${where} answered ${status}` });
    }
    return new UpstreamError(host, { code: "INVALID_ANSWER", reason: `${where} answered ${status}` });
  };

  return {
    async send(request) {
      for (let failures = 0; ; failures += 1) {
        try {
          return await attempt(request);
        } catch (error) {
          const pause = pauseAfter(error, failures + 1, random());
          if (pause === undefined || failures >= retries || request.body?.once === true) throw error;
          observer?.retried?.(host, error instanceof Error ? error.message : "", pause);
          await delay(pause, undefined, { signal: request.signal }).catch(() => request.signal?.throwIfAborted());
        }
      }
    },
  };
}

/** How long to wait before another attempt (ms); undefined: none makes sense now. */
function pauseAfter(error: unknown, failures: number, random: number): number | undefined {
  if (!isUpstreamError(error)) return undefined;
  const { fault } = error;
  if (fault.code !== "UNAVAILABLE" && fault.code !== "RATE_LIMITED") return undefined;
  if (fault.retryAfter > LONGEST_WAIT) return undefined;
  const own = backoff(PAUSES, failures, 1, random);
  return fault.code === "RATE_LIMITED" || fault.retryAfter > 1 ? Math.max(own, fault.retryAfter * SECOND) : own;
}
