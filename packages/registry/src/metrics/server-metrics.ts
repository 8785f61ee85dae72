import { Counter, Gauge, Registry } from "prom-client";
import type { HealthFailures } from "../health/check.js";
import type { MetricsSnapshot } from "./metrics.js";

/** What whoever looks after all processes tells at each scrape. */
export interface ServerSources {
  readonly isReady: () => boolean;
  /** Names of the health checks, and which of them fail. */
  readonly checks: readonly string[];
  readonly failures: () => HealthFailures;
  /** Processes that serve at the moment. */
  readonly serving: () => number;
  /** Processes that should serve. */
  readonly configured: number;
  /** Workers that died and were replaced. */
  readonly restarts: () => number;
}

/** What is told once for all processes. */
export interface ServerMetrics {
  /** One answer to a scrape is being made; call the result when it is. */
  scrape(): (status: number) => void;
  snapshot(): Promise<MetricsSnapshot>;
}

/** Makes the metrics of the whole server: workers, readiness, health checks, and the scrapes themselves. */
export function createServerMetrics(sources: ServerSources): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: "registry_ready",
    help: "Whether the registry should be given requests (1): every check passes, a process serves, and it isn't stopping.",
    registers,
    collect() {
      this.set(sources.isReady() ? 1 : 0);
    },
  });
  new Gauge({
    name: "registry_health_check_failing",
    help: "Whether a health check fails (1).",
    labelNames: ["check"],
    registers,
    collect() {
      const failures = sources.failures();
      for (const check of sources.checks) this.set({ check }, check in failures ? 1 : 0);
    },
  });
  new Gauge({
    name: "registry_workers",
    help: "Processes that serve, and that should serve (configured).",
    labelNames: ["state"],
    registers,
    collect() {
      this.set({ state: "serving" }, sources.serving());
      this.set({ state: "configured" }, sources.configured);
    },
  });
  new Counter({
    name: "registry_worker_restarts_total",
    help: "Workers that died and were replaced.",
    registers,
    collect() {
      this.reset();
      this.inc(sources.restarts());
    },
  });
  return { scrape: registerScrapes(registry), snapshot: () => registry.getMetricsAsJSON() };
}

/** Under the names of the original's client library, which alerts on failing scrapes go by. */
function registerScrapes(registry: Registry): ServerMetrics["scrape"] {
  const registers = [registry];
  const scrapes = new Counter({
    name: "promhttp_metric_handler_requests_total",
    help: "Total number of scrapes by HTTP status code.",
    labelNames: ["code"],
    registers,
  });
  const inFlight = new Gauge({
    name: "promhttp_metric_handler_requests_in_flight",
    help: "Current number of scrapes being served.",
    registers,
  });
  for (const code of ["200", "500", "503"]) scrapes.inc({ code }, 0);
  return () => {
    inFlight.inc();
    return (status) => {
      inFlight.dec();
      scrapes.inc({ code: String(status) });
    };
  };
}
