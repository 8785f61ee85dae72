import { axios, Client } from "acme-client";
import { errnoOf } from "@longshore/base/errno";
import { MIB } from "@longshore/base/size";
import { MINUTE, SECOND } from "@longshore/base/duration";
import { z } from "zod";
import type { Failure } from "./schedule.js";

/** Why there is no certificate, in words for a person. */
export class OrderError extends Error {
  override readonly name = "OrderError";
  readonly failure: Failure;
  /** How long the authority asks to wait (ms). */
  readonly wait: number | undefined;

  constructor(message: string, failure: Failure, options: ErrorOptions & { readonly wait?: number | undefined } = {}) {
    super(message, options);
    this.failure = failure;
    this.wait = options.wait;
  }
}

/** For one request (ms). */
const REQUEST_TIMEOUT = 30 * SECOND;
const LARGEST_ANSWER = MIB;

/** A problem document (RFC 8555 §6.7). */
const PROBLEM = z.object({ type: z.string().optional(), detail: z.string().optional() });

const BAD_NONCE = "urn:ietf:params:acme:error:badNonce";
const RATE_LIMITED = "urn:ietf:params:acme:error:rateLimited";

/** Where an authority sets a limit and doesn't say until when (ms). */
const WAIT_WHEN_LIMITED = 60 * MINUTE;

/**
 * A client for an account at an authority. The library's requests get limits, and its own repetitions are turned off: it would wait
 * for as long as an authority asks, with nothing to end it. A request that fails throws OrderError.
 */
export function createAcmeClient(directoryUrl: string, accountKey: string): Client {
  const { interceptors, defaults } = axios;
  defaults.timeout = REQUEST_TIMEOUT;
  defaults.maxContentLength = LARGEST_ANSWER;
  interceptors.request.clear();
  interceptors.response.clear();
  interceptors.request.use((config) => {
    config.signal = AbortSignal.timeout(REQUEST_TIMEOUT);
    return config;
  });
  interceptors.response.use(
    (response) => {
      const problem = PROBLEM.safeParse(response.data).data;
      // The library answers that one itself, with another nonce.
      if (response.status < 400 || problem?.type === BAD_NONCE) return response;
      throw refusal(response.status, problem, retryAfter(response.headers["retry-after"], Date.now()));
    },
    (error: unknown) => {
      const reason = errnoOf(error) ?? (error instanceof Error ? error.message : "no answer");
      throw new OrderError(`${new URL(directoryUrl).host} can't be reached: ${reason}`, "unreachable", {
        cause: error,
      });
    },
  );
  return new Client({ directoryUrl, accountKey });
}

function refusal(status: number, problem: z.output<typeof PROBLEM> | undefined, wait: number | undefined): OrderError {
  const detail = problem?.detail ?? problem?.type ?? "without saying why";
  const message = `the authority answered ${status}: ${detail}`;
  if (status === 429 || problem?.type === RATE_LIMITED) {
    return new OrderError(message, "postponed", { wait: wait ?? WAIT_WHEN_LIMITED });
  }
  if (wait !== undefined) return new OrderError(message, "postponed", { wait });
  return new OrderError(message, status >= 500 ? "unreachable" : "refused");
}

/** Seconds, or a date (RFC 9110 §10.2.3), as milliseconds from now; undefined of anything else. */
export function retryAfter(value: unknown, now: number): number | undefined {
  if (typeof value !== "string") return undefined;
  const isDate = value.endsWith("GMT");
  const wait = /^\d+$/.test(value) ? Number(value) * SECOND : isDate ? Date.parse(value) - now : 0;
  return wait > 0 ? wait : undefined;
}
