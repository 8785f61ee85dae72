import { Counter, type Registry } from "prom-client";

/** Counts what limits for clients refuse. */
export interface LimitMetrics {
  /** A request was refused by the rule of this name. */
  refused(rule: string): void;
  /** A request was counted here, because what counts for all processes or replicas didn't answer. */
  countedHere(): void;
}

/** Registers the metrics of `policy.ratelimit`. */
export function createLimitMetrics(registry: Registry): LimitMetrics {
  const registers = [registry];
  const refusals = new Counter({
    name: "registry_ratelimit_refusals_total",
    help: "Requests refused by policy.ratelimit, by rule",
    labelNames: ["rule"],
    registers,
  });
  const fallbacks = new Counter({
    name: "registry_ratelimit_fallbacks_total",
    help: "Requests counted by one process for itself because Redis, or the primary, didn't answer",
    registers,
  });
  return { refused: (rule) => refusals.inc({ rule }), countedHere: () => fallbacks.inc() };
}
