/** The time limit of a check without one of its own (ms): a check that hangs forever would never report anything. */
const LONGEST = 60_000;

/** Ends with `signal`, after `timeout` ms (0: no limit of its own), and in any case after a minute. */
export function deadlineSignal(signal: AbortSignal, timeout: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeout > 0 ? timeout : LONGEST)]);
}

/** Why a connection or request failed, in a few words. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  if (error.name === "AbortError" || error.name === "TimeoutError") return "timeout";
  return error.message || ("code" in error ? String(error.code) : error.name);
}
