import { Counter, Gauge, Registry } from "prom-client";
import type { HealthFailures } from "../health/health-check.js";
import type { MetricsSnapshot } from "./metrics.js";

/** The state of the whole server, read at each scrape. */
export interface ServerSources {
  readonly isReady: () => boolean;
  /** The names of the health checks, and of those that currently fail. */
  readonly checks: readonly string[];
  readonly failures: () => HealthFailures;
  /** Processes that are currently serving. */
  readonly serving: () => number;
  /** Processes that should be serving. */
  readonly configured: number;
  /** Workers that died and were replaced. */
  readonly restarts: () => number;
  /** Undefined if no authority issues certificates. */
  readonly certificates: CertificateSource | undefined;
}

/** The hosts for which an authority issues certificates. */
export interface CertificateSource {
  states(): readonly {
    readonly host: string;
    /** When the certificate in use expires (ms since 1970); undefined: there is none. */
    readonly expires: number | undefined;
    /** Failed attempts in a row. */
    readonly failures: number;
  }[];
}

/** Metrics that exist once for all processes. */
export interface ServerMetrics {
  /** Call when a scrape begins, and the returned function when its response is complete. */
  scrape(): (status: number) => void;
  snapshot(): Promise<MetricsSnapshot>;
}

/** Creates the metrics of the whole server: workers, readiness, health checks and the scrapes themselves. */
export function createServerMetrics(sources: ServerSources): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: "registry_ready",
    help: "Whether the registry is ready for requests (1): every check passes, a process is serving, and it isn't shutting down.",
    registers,
    collect() {
      this.set(sources.isReady() ? 1 : 0);
    },
  });
  new Gauge({
    name: "registry_health_check_failing",
    help: "Whether a health check is failing (1).",
    labelNames: ["check"],
    registers,
    collect() {
      const failures = sources.failures();
      for (const check of sources.checks) this.set({ check }, check in failures ? 1 : 0);
    },
  });
  new Gauge({
    name: "registry_workers",
    help: "Processes that are serving, and that should be (configured).",
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
  if (sources.certificates !== undefined) registerCertificates(registry, sources.certificates);
  return { scrape: registerScrapes(registry), snapshot: () => registry.getMetricsAsJSON() };
}

function registerCertificates(registry: Registry, source: CertificateSource): void {
  const common = { labelNames: ["host"], registers: [registry] };
  new Gauge({
    ...common,
    name: "registry_certificate_expiry_timestamp_seconds",
    help: "When the certificate in use expires, by host (seconds since 1970); absent while there is none.",
    collect() {
      this.reset();
      for (const { host, expires } of source.states()) if (expires !== undefined) this.set({ host }, expires / 1000);
    },
  });
  new Gauge({
    ...common,
    name: "registry_certificate_failures",
    help: "Attempts to get or renew a host's certificate that have failed in a row.",
    collect() {
      for (const { host, failures } of source.states()) this.set({ host }, failures);
    },
  });
}

/** Under the names of Go's client library, which existing alerts on failing scrapes use. */
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
