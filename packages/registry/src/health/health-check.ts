/** A check whose failure makes the registry unavailable. */
export interface HealthCheck {
  /** Its name in `/debug/health`. */
  readonly name: string;
  /** Time between the end of one run and the next (ms). */
  readonly interval: number;
  /** Consecutive failures until it counts as failed; at least 1. */
  readonly threshold: number;
  /** Consecutive successes until it counts as recovered; at least 1. */
  readonly successthreshold: number;
  /** Resolves if the check passes; rejects with the message that operators see. */
  check(signal: AbortSignal): Promise<void>;
}

/** The current failures, by the names of checks; empty while the registry is healthy. */
export type HealthFailures = Readonly<Record<string, string>>;
