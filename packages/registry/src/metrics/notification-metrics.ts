import { Counter, Gauge, Registry } from "prom-client";
import type { EndpointStats } from "../notifications/delivery/stats.js";
import type { MetricsSnapshot } from "./metrics.js";

/** Provides the figures of notifications. */
export interface NotificationSource {
  stats(): readonly EndpointStats[];
  /** Bytes of pending events. */
  bytes(): number;
}

/** The metrics of notifications: Distribution's (wire contract §9.2), and those of events that are never delivered. */
export function createNotificationMetrics(source: NotificationSource): { snapshot(): Promise<MetricsSnapshot> } {
  const registry = new Registry();
  const registers = [registry];
  new Counter({
    name: "registry_notifications_events_total",
    help: "The number of total events",
    labelNames: ["type", "endpoint"],
    registers,
    collect() {
      this.reset();
      for (const { name: endpoint, events, successes, failures, errors } of source.stats()) {
        this.inc({ type: "Events", endpoint }, events);
        this.inc({ type: "Successes", endpoint }, successes);
        this.inc({ type: "Failures", endpoint }, failures);
        this.inc({ type: "Errors", endpoint }, errors);
      }
    },
  });
  new Gauge({
    name: "registry_notifications_pending_total",
    help: "The gauge of pending events in queue",
    labelNames: ["endpoint"],
    registers,
    collect() {
      this.reset();
      for (const { name: endpoint, pending } of source.stats()) this.inc({ endpoint }, pending);
    },
  });
  new Counter({
    name: "registry_notifications_status_total",
    help: "The number of status code",
    labelNames: ["code", "endpoint"],
    registers,
    collect() {
      this.reset();
      for (const { name: endpoint, statuses } of source.stats()) {
        for (const [code, count] of Object.entries(statuses)) this.inc({ code, endpoint }, count);
      }
    },
  });
  new Counter({
    name: "registry_notifications_dead_letters_total",
    help: "Events dropped before an endpoint received them: outbox-full, max-age, max-attempts.",
    labelNames: ["reason", "endpoint"],
    registers,
    collect() {
      this.reset();
      for (const { name: endpoint, dead } of source.stats()) {
        for (const [reason, count] of Object.entries(dead)) this.inc({ reason, endpoint }, count);
      }
    },
  });
  new Gauge({
    name: "registry_notifications_outbox_bytes",
    help: "Bytes of events waiting to be delivered or removed.",
    registers,
    collect() {
      this.set(source.bytes());
    },
  });
  return { snapshot: () => registry.getMetricsAsJSON() };
}
