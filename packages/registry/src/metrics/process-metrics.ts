import { Gauge, Registry } from "prom-client";
import type { MetricsSnapshot } from "./snapshot.js";

/** Families of the runtime, and their names here. A sum over the processes would hide the one in trouble. */
const MEMORY: Readonly<Record<string, string>> = {
  process_resident_memory_bytes: "resident",
  nodejs_heap_size_used_bytes: "heap",
  nodejs_external_memory_bytes: "external",
};
const DELAY: Readonly<Record<string, string>> = {
  nodejs_eventloop_lag_p50_seconds: "p50",
  nodejs_eventloop_lag_p99_seconds: "p99",
  nodejs_eventloop_lag_max_seconds: "max",
};
/** The runtime measures with a timer of this many seconds, and includes them in the delay it reports. */
const TIMER = 0.01;

/**
 * Converts the runtime's families of one process into memory and event-loop delay with the label `process`, which keeps the
 * processes apart when their metrics are summed.
 */
export function createProcessMetrics(process: string): (all: MetricsSnapshot) => Promise<MetricsSnapshot> {
  const registry = new Registry();
  const registers = [registry];
  const memory = new Gauge({
    name: "registry_process_memory_bytes",
    help: "Memory of each process of the registry: resident, and of that the heap in use and buffers (external).",
    labelNames: ["process", "kind"],
    registers,
  });
  const delay = new Gauge({
    name: "registry_process_event_loop_delay_seconds",
    help: "How late the timers of each process of the registry fired since the last scrape: the median (p50), the 99th percentile (p99) and the maximum (max).",
    labelNames: ["process", "statistic"],
    registers,
  });
  return async (all) => {
    for (const { name, values } of all) {
      const value = values[0]?.value;
      // If nothing was measured since the last scrape, the runtime reports NaN.
      if (value === undefined || !Number.isFinite(value)) continue;
      const kind = MEMORY[name];
      if (kind !== undefined) memory.set({ process, kind }, value);
      const statistic = DELAY[name];
      if (statistic !== undefined) delay.set({ process, statistic }, Math.max(0, value - TIMER));
    }
    return registry.getMetricsAsJSON();
  };
}
