import { Counter, Gauge, type Registry } from "prom-client";

/** What the connections of a process tell at each scrape. */
export interface ConnectionSource {
  /** Open connections. */
  readonly size: number;
  /** Those without a request. */
  readonly idle: number;
  /** Requests that bring a blob's bytes and haven't brought all. */
  readonly uploads: number;
  /** Since the process began. */
  readonly counts: {
    /** Taken in. */
    readonly opened: number;
    /** Turned away, or closed while idle to make room, at the limit. */
    readonly crowdedOut: number;
    /** Cut since their client made no progress. */
    readonly stalled: number;
  };
  /** Requests under way on each route that matched. */
  inFlight(): ReadonlyMap<string, number>;
}

/** Registers what is told of connections; the original has none of it. */
export function registerConnectionMetrics(registry: Registry, source: ConnectionSource): void {
  const registers = [registry];
  new Gauge({
    name: "registry_http_connections",
    help: "Open connections: with a request under way (active), and without (idle).",
    labelNames: ["state"],
    registers,
    collect() {
      this.set({ state: "active" }, source.size - source.idle);
      this.set({ state: "idle" }, source.idle);
    },
  });
  new Gauge({
    name: "registry_uploads_in_progress",
    help: "Requests that bring bytes of a blob at the moment.",
    registers,
    collect() {
      this.set(source.uploads);
    },
  });
  new Counter({
    name: "registry_http_connections_opened_total",
    help: "Connections that were taken in.",
    registers,
    collect() {
      this.reset();
      this.inc(source.counts.opened);
    },
  });
  new Counter({
    name: "registry_http_connections_cut_total",
    help: "Connections that were turned away or closed at the limit (crowded_out), or cut since their client stalled (stalled).",
    labelNames: ["reason"],
    registers,
    collect() {
      this.reset();
      this.inc({ reason: "crowded_out" }, source.counts.crowdedOut);
      this.inc({ reason: "stalled" }, source.counts.stalled);
    },
  });
}
