/** One thing whose failure makes the registry unavailable. */
export interface HealthCheck {
  /** What it is called in `/debug/health`. */
  readonly name: string;
  /** Time between the end of one look and the next (ms). */
  readonly interval: number;
  /** Failures in a row until it counts; at least 1. */
  readonly threshold: number;
  /** Successes in a row until it counts as well again; at least 1. */
  readonly successthreshold: number;
  /** Resolves when all is well; rejects with the text that operators see. */
  check(signal: AbortSignal): Promise<void>;
}

/** What fails at the moment, by the checks' names; empty while the registry is healthy. */
export type HealthFailures = Readonly<Record<string, string>>;
