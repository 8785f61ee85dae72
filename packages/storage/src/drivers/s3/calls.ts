import { setTimeout as pause } from "node:timers/promises";
import type { Circuit } from "./circuit.js";
import { isFault, S3Fault, toFault, unavailable } from "./faults.js";

/** A call to S3. */
interface Call {
  /** S3's name of it. */
  readonly operation: string;
  /** Bytes that it sends, or has the storage copy: a call with many may take longer. */
  readonly bytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Told of each call's end, for whoever wants to see them. */
export interface CallReport {
  readonly operation: string;
  readonly attempt: number;
  readonly milliseconds: number;
  readonly fault: S3Fault | undefined;
}

/** How long is waited for what, in milliseconds. */
export interface CallSettings {
  readonly requestTimeout: number;
  /** No attempt is begun so long after the first. */
  readonly retryDeadline: number;
  readonly maxAttempts: number;
  /** What no message may have. */
  readonly secrets: readonly string[];
  readonly report: ((report: CallReport) => void) | undefined;
  /** A number from 0 to 1, exclusive: spreads the retries of many. */
  readonly random: () => number;
}

/** Makes calls until they work: again after failures that pass, refused at once while the storage is down. */
export interface Calls {
  /**
   * What `attempt` brings. It is given a signal that ends the attempt and its number, from 1. Throws the caller's signal's
   * reason, S3Fault, and STORAGE_UNAVAILABLE when every attempt failed in a way that another might not.
   */
  run<T>(call: Call, attempt: (signal: AbortSignal, number: number) => Promise<T>): Promise<T>;
  /** What a stream that broke does before it goes on. Throws as `run`. */
  retryLater(state: RetryState, fault: S3Fault, signal: AbortSignal | undefined): Promise<void>;
}

/** How often something has failed, and since when. */
export interface RetryState {
  failures: number;
  readonly since: number;
}

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5000;
/** Bytes a millisecond that every storage is trusted to take. */
const SLOWEST = 256;
/** No single attempt takes longer, however much it moves. */
const LONGEST_ATTEMPT = 60 * 60 * 1000;

/** How long to pause before the attempt after `failures` of them: doubling, and anywhere below that ("full jitter"). */
function pauseAfter(failures: number, random: number): number {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 20)) * random;
}

/** Calls over `circuit`. */
export function createCalls(settings: CallSettings, circuit: Circuit): Calls {
  const enterCircuit = (): void => {
    const wait = circuit.enter();
    if (wait > 0)
      throw unavailable(wait, new Error("the storage failed too often; nothing is asked of it for a while"));
  };

  /** One attempt within its time. Its signal's listeners are taken off again: the caller's may live long. */
  const once = async <T>(call: Call, number: number, attempt: (signal: AbortSignal, number: number) => Promise<T>) => {
    enterCircuit();
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(call.signal?.reason);
    call.signal?.addEventListener("abort", onAbort, { once: true });
    const time = Math.min(LONGEST_ATTEMPT, settings.requestTimeout + Math.ceil((call.bytes ?? 0) / SLOWEST));
    const timeout = new Error("timeout");
    const hasTimedOut = (): boolean => controller.signal.reason === timeout;
    const timer = setTimeout(() => controller.abort(timeout), time);
    const started = performance.now();
    const report = (fault: S3Fault | undefined): void =>
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
        ? new S3Fault("transient", undefined, `${call.operation}: no answer within ${time} ms`)
        : toFault(error, call.operation, settings.secrets);
      // Any answer but "internal error" shows that somebody is there.
      if (fault.kind === "transient") circuit.failed();
      else circuit.succeeded();
      report(fault);
      throw fault;
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", onAbort);
    }
  };

  const retryLater = async (state: RetryState, fault: S3Fault, signal: AbortSignal | undefined): Promise<void> => {
    state.failures += 1;
    const wait = pauseAfter(state.failures, settings.random());
    const late = performance.now() + wait - state.since >= settings.retryDeadline;
    if (state.failures >= settings.maxAttempts || late) throw unavailable(LONGEST_PAUSE, fault);
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
