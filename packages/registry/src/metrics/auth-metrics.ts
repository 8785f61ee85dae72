import { Counter, type Registry } from "prom-client";

/** Counts what access control says. */
export interface AuthMetrics {
  /** One decision of the controller of that name. */
  outcome(controller: string, outcome: string): void;
}

/** Registers the metrics of access control; the original has none. */
export function createAuthMetrics(registry: Registry): AuthMetrics {
  const outcomes = new Counter({
    name: "registry_auth_outcomes_total",
    help: "Decisions of access control: allowed, challenged, denied, failed-login, throttled, unavailable.",
    labelNames: ["controller", "outcome"],
    registers: [registry],
  });
  return { outcome: (controller, outcome) => outcomes.inc({ controller, outcome }) };
}
