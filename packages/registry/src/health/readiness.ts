import type { HealthFailures } from "./check.js";

/** What decides whether a registry should be given requests. */
export interface ReadinessSources {
  /** Checks that fail. */
  readonly failures: HealthFailures;
  /** Whether it was asked to stop. */
  readonly draining: boolean;
  /** Processes that serve at the moment. */
  readonly serving: number;
}

/** Whether a registry should be given requests; where not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: Readonly<Record<string, string>>;
}

/** Ready: every check passes, at least one process serves, and nobody has asked for a stop. */
export function readinessOf({ failures, draining, serving }: ReadinessSources): Readiness {
  const reasons = {
    ...failures,
    ...(draining ? { shutdown: "the registry is stopping; requests under way are finished" } : {}),
    ...(serving === 0 && !draining ? { workers: "no process serves" } : {}),
  };
  return { ready: Object.keys(reasons).length === 0, reasons };
}
