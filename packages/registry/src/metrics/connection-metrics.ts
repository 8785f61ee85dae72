import { Counter, Gauge, type Registry } from "prom-client";

/** The state of a process's connections, read at each scrape. */
export interface ConnectionSource {
  /** Open connections. */
  readonly size: number;
  /** Connections without a request. */
  readonly idle: number;
  /** Requests that are still sending a blob's bytes. */
  readonly uploads: number;
  /** Totals since the process started. */
  readonly counts: {
    /** Accepted. */
    readonly opened: number;
    /** Rejected at the limit, or closed while idle to make room. */
    readonly crowdedOut: number;
    /** Closed because the client made no progress. */
    readonly stalled: number;
  };
  /** Requests in progress on each matched route. */
  inFlight(): ReadonlyMap<string, number>;
}

/** Registers the metrics of connections, which Distribution doesn't have. */
export function registerConnectionMetrics(registry: Registry, source: ConnectionSource): void {
  const registers = [registry];
  new Gauge({
    name: "registry_http_connections",
    help: "Open connections: with a request in progress (active) and without (idle).",
    labelNames: ["state"],
    registers,
    collect() {
      this.set({ state: "active" }, source.size - source.idle);
      this.set({ state: "idle" }, source.idle);
    },
  });
  new Gauge({
    name: "registry_uploads_in_progress",
    help: "Requests that are sending a blob's bytes right now.",
    registers,
    collect() {
      this.set(source.uploads);
    },
  });
  new Counter({
    name: "registry_http_connections_opened_total",
    help: "Connections accepted.",
    registers,
    collect() {
      this.reset();
      this.inc(source.counts.opened);
    },
  });
  new Counter({
    name: "registry_http_connections_cut_total",
    help: "Connections rejected or closed at the limit (crowded_out), or closed because the client stalled (stalled).",
    labelNames: ["reason"],
    registers,
    collect() {
      this.reset();
      this.inc({ reason: "crowded_out" }, source.counts.crowdedOut);
      this.inc({ reason: "stalled" }, source.counts.stalled);
    },
  });
}
