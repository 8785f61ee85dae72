import { LRUCache } from "lru-cache";
import { abortable } from "@longshore/base/abort";
import { SECOND } from "@longshore/base/duration";
import { readWhole } from "../body.js";
import { UpstreamError } from "../errors.js";
import { parseRetryAfter } from "../flow/retry-after.js";
import type { Wire } from "../net/wire.js";
import type { Credentials } from "./credentials.js";
import { parseToken, tokenRequests, type Token, type TokenQuestion, type TokenRequest } from "./token.js";

/** Tokens that are kept for one upstream: one for each repository that is pulled from. */
const MAX_TOKENS = 2000;
/** Larger answers hold no token (bytes). */
const MAX_ANSWER = 256 * 1024;
/** How long a failure is remembered (ms): not every client asks again. */
const FAILURE_LIFETIME = 5 * SECOND;
/** The part of its lifetime after which a token is renewed, so that none expires on its way. */
const USED_LIFETIME = 0.9;

/** Tokens of an upstream, kept by scope for as long as they hold. */
export interface Tokens {
  /**
   * Requests for the same scope at the same time share one question; `credentials` is called where there has to be one. Throws
   * UpstreamError or the signal's reason.
   */
  get(
    question: TokenQuestion,
    credentials: () => Promise<Credentials | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<string>;
  /** The upstream refused the token. */
  drop(token: string): void;
}

interface Entry {
  readonly answer: Promise<Token>;
  value: string | undefined;
  expires: number;
}

export interface TokensOptions {
  readonly host: string;
  readonly wire: Wire;
  /** For one answer (ms). */
  readonly timeout: number;
  readonly now: () => number;
}

export function createTokens({ host, wire, timeout, now }: TokensOptions): Tokens {
  const entries = new LRUCache<string, Entry>({ max: MAX_TOKENS });

  const ask = (question: TokenQuestion, credentials: () => Promise<Credentials | undefined>): Entry => {
    const entry: Entry = { answer: requestToken(question, credentials), value: undefined, expires: Infinity };
    entry.answer.then(
      ({ value, lifetime }) => {
        entry.value = value;
        entry.expires = now() + lifetime * SECOND * USED_LIFETIME;
      },
      (error: unknown) => {
        const pause =
          error instanceof UpstreamError && error.fault.code === "RATE_LIMITED" ? error.fault.retryAfter * SECOND : 0;
        entry.expires = now() + Math.max(pause, FAILURE_LIFETIME);
      },
    );
    return entry;
  };

  const requestToken = async (
    question: TokenQuestion,
    credentials: () => Promise<Credentials | undefined>,
  ): Promise<Token> => {
    let last = fault("INVALID_ANSWER", "the token service knows no way to get a token");
    for (const request of tokenRequests(question, await credentials())) {
      const outcome = await send(request);
      if (!(outcome instanceof UpstreamError)) return outcome;
      last = outcome;
    }
    throw last;
  };

  /** A token; or an error after which the next request is worth a try. Throws any other error. */
  const send = async (request: TokenRequest): Promise<Token | UpstreamError> => {
    const realm = request.url.host;
    const answer = await wire.send({ ...request, timeout });
    const { status } = answer;
    if (status === 200) {
      const text = await readWhole(answer, { host, what: "token", limit: MAX_ANSWER, timeout });
      const token = parseToken(text.toString("utf8"));
      if (token === undefined) throw fault("INVALID_ANSWER", `the token service ${realm} answered 200 without a token`);
      return token;
    }
    await answer.drop();
    if (status === 400 || status === 404 || status === 405) {
      return fault("INVALID_ANSWER", `the token service ${realm} answered ${status}`);
    }
    if (status === 401 || status === 403) {
      throw fault(
        "DENIED",
        `the token service ${realm} answered ${status}; check the upstream's username and password`,
      );
    }
    if (status === 429) {
      const retryAfter = parseRetryAfter(answer.headers["retry-after"], now()) ?? 30;
      throw new UpstreamError(host, { code: "RATE_LIMITED", retryAfter });
    }
    if (status >= 500) {
      throw new UpstreamError(host, {
        code: "UNAVAILABLE",
        reason: `the token service ${realm} answered ${status}`,
        retryAfter: 5,
      });
    }
    throw fault("INVALID_ANSWER", `the token service ${realm} answered ${status}`);
  };

  const fault = (code: "INVALID_ANSWER" | "DENIED", reason: string): UpstreamError =>
    new UpstreamError(host, { code, reason });

  return {
    async get(question, credentials, signal) {
      const key = keyOf(question);
      let entry = entries.get(key);
      if (entry === undefined || entry.expires <= now()) {
        entry = ask(question, credentials);
        entries.set(key, entry);
      }
      return (await abortable(entry.answer, signal)).value;
    },
    drop(token) {
      for (const [key, entry] of entries.entries()) if (entry.value === token) entries.delete(key);
    },
  };
}

/** Which user asks is no part of it: an upstream has one. */
function keyOf({ realm, service, scopes }: TokenQuestion): string {
  return JSON.stringify([realm.href, service, ...scopes]);
}
