/** The longest that a check without a limit of its own may take (ms): one that hangs for ever would never tell. */
const LONGEST = 60_000;

/** Ends with `signal`, after `timeout` ms (0: none of its own), and after a minute in any case. */
export function withTimeout(signal: AbortSignal, timeout: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeout > 0 ? timeout : LONGEST)]);
}

/** Why a connection or request failed, in a few words. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "AbortError" || error.name === "TimeoutError") return "timeout";
  return error.message || ("code" in error ? String(error.code) : error.name);
}
