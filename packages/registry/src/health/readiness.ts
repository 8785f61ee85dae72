import type { HealthFailures } from "./health-check.js";

/** What decides whether a registry is ready for requests. */
export interface ReadinessSources {
  /** The failing checks. */
  readonly failures: HealthFailures;
  /** Whether it was asked to stop. */
  readonly draining: boolean;
  /** Processes that are currently serving. */
  readonly serving: number;
}

/** Whether a registry is ready for requests; if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: Readonly<Record<string, string>>;
}

/** Ready: every check passes, at least one process is serving, and no stop was requested. */
export function readinessOf({ failures, draining, serving }: ReadinessSources): Readiness {
  const reasons = {
    ...failures,
    ...(draining ? { shutdown: "the registry is stopping; requests under way are finished" } : {}),
    ...(serving === 0 && !draining ? { workers: "no process serves" } : {}),
  };
  return { ready: Object.keys(reasons).length === 0, reasons };
}
