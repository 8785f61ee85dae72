import { backoff } from "@longshore/base/backoff";
import type { Circuit } from "@longshore/base/circuit";
import { HOUR, SECOND } from "@longshore/base/duration";
import { setTimeout as pause } from "node:timers/promises";
import { isFault, ServiceFault, unavailable } from "./faults.js";
import type { RetryState } from "./service.js";

/** A call to a service. */
interface Call {
  /** The service's name for it. */
  readonly operation: string;
  /** The number of bytes that it sends, or that the storage copies: a large call may take longer. */
  readonly bytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The outcome of a call, for metrics and logs. */
export interface CallReport {
  readonly operation: string;
  readonly attempt: number;
  readonly milliseconds: number;
  readonly fault: ServiceFault | undefined;
}

/** Timeouts and limits; times in milliseconds. */
export interface CallSettings {
  readonly requesttimeout: number;
  /** No attempt starts later than this after the first. */
  readonly retrydeadline: number;
  readonly maxattempts: number;
  /** The driver's name, for errors. */
  readonly driver: string;
  /** The first pause between attempts, 100 ms by default: each further one is twice as long. */
  readonly firstpause?: number | undefined;
  /** Translates an error of the library or the connection. */
  readonly toFault: (error: unknown, operation: string) => ServiceFault;
  readonly report: ((report: CallReport) => void) | undefined;
  /** A number from 0 to 1, exclusive: spreads the retries of many. */
  readonly random: () => number;
}

/** Calls with retries: transient failures are retried, and calls fail at once while the storage is down. */
export interface Calls {
  /**
   * Resolves to the result of `attempt`, which gets a signal that aborts the attempt, and its number, from 1. Throws the reason
   * of the caller's signal, ServiceFault, and STORAGE_UNAVAILABLE if every attempt failed transiently.
   */
  run<T>(call: Call, attempt: (signal: AbortSignal, number: number) => Promise<T>): Promise<T>;
  /** Pauses before a broken stream continues. Throws as `run`. */
  retryLater(state: RetryState, fault: ServiceFault, signal: AbortSignal | undefined): Promise<void>;
}

/** Pauses between attempts (ms). */
const PAUSES = { first: 100, longest: 5 * SECOND };
/** All of the pause is random, so that many clients that failed together spread out. */
const FULL_JITTER = 1;
/** The lowest throughput that a storage is expected to have, in bytes per millisecond. */
const SLOWEST = 256;
/** The longest that a single attempt may take, however much it transfers (ms). */
const LONGEST_ATTEMPT = HOUR;

/** Calls over `circuit`. */
export function createCalls(settings: CallSettings, circuit: Circuit): Calls {
  const pauses = { ...PAUSES, first: settings.firstpause ?? PAUSES.first };
  const enterCircuit = (): void => {
    const wait = circuit.enter();
    if (wait > 0)
      throw unavailable(
        settings.driver,
        wait,
        new Error("the storage failed too often; nothing is asked of it for a while"),
      );
  };

  /** One attempt, with a timeout. Removes its listeners from the caller's signal, which may live long. */
  const once = async <T>(call: Call, number: number, attempt: (signal: AbortSignal, number: number) => Promise<T>) => {
    enterCircuit();
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(call.signal?.reason);
    call.signal?.addEventListener("abort", onAbort, { once: true });
    const time = Math.min(LONGEST_ATTEMPT, settings.requesttimeout + Math.ceil((call.bytes ?? 0) / SLOWEST));
    const timeout = new Error("timeout");
    const hasTimedOut = (): boolean => controller.signal.reason === timeout;
    const timer = setTimeout(() => controller.abort(timeout), time);
    const started = performance.now();
    const report = (fault: ServiceFault | undefined): void =>
      settings.report?.({
        operation: call.operation,
        attempt: number,
        milliseconds: performance.now() - started,
        fault,
      });
    try {
      const result = await attempt(controller.signal, number);
      circuit.succeeded();
      report(undefined);
      return result;
    } catch (error) {
      if (call.signal?.aborted === true) circuit.abandoned();
      call.signal?.throwIfAborted();
      const fault = hasTimedOut()
        ? new ServiceFault("transient", undefined, `${call.operation}: no answer within ${time} ms`)
        : settings.toFault(error, call.operation);
      // Any response except "internal error" shows that the service is up.
      if (fault.kind === "transient") circuit.failed();
      else circuit.succeeded();
      report(fault);
      throw fault;
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", onAbort);
    }
  };

  const retryLater = async (state: RetryState, fault: ServiceFault, signal: AbortSignal | undefined): Promise<void> => {
    state.failures += 1;
    const asked = fault.wait ?? 0;
    const wait = Math.max(asked, backoff(pauses, state.failures, FULL_JITTER, settings.random()));
    const late = performance.now() + wait - state.since >= settings.retrydeadline;
    if (state.failures >= settings.maxattempts || late)
      throw unavailable(settings.driver, Math.max(asked, PAUSES.longest), fault);
    try {
      await pause(wait, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  };

  return {
    async run(call, attempt) {
      call.signal?.throwIfAborted();
      const state: RetryState = { failures: 0, since: performance.now() };
      for (;;) {
        try {
          return await once(call, state.failures + 1, attempt);
        } catch (error) {
          if (!isFault(error, "transient", "throttled")) throw error;
          await retryLater(state, error, call.signal);
        }
      }
    },
    retryLater,
  };
}
