import { Counter, type Registry } from "prom-client";

/** Counts the decisions of access control. */
export interface AuthMetrics {
  /** Counts one decision of the controller called `controller`. */
  outcome(controller: string, outcome: string): void;
}

/** Registers the metrics of access control, which Distribution doesn't have. */
export function createAuthMetrics(registry: Registry): AuthMetrics {
  const outcomes = new Counter({
    name: "registry_auth_outcomes_total",
    help: "Decisions of access control: allowed, challenged, denied, failed-login, throttled, unavailable.",
    labelNames: ["controller", "outcome"],
    registers: [registry],
  });
  return { outcome: (controller, outcome) => outcomes.inc({ controller, outcome }) };
}
