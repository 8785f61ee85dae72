import { Gauge, Registry } from "prom-client";
import type { MetricsSnapshot } from "./snapshot.js";

/** Families of the runtime by what they are called here: their sum over processes would hide the one that is ill. */
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
/** The runtime measures with a timer of this many seconds, which is part of what it tells. */
const TIMER = 0.01;

/**
 * Makes what turns the runtime's families of one process into memory and event-loop delay under the label `process`, by which
 * they stay apart where processes are summed.
 */
export function createProcessMetrics(process: string): (all: MetricsSnapshot) => Promise<MetricsSnapshot> {
  const registry = new Registry();
  const registers = [registry];
  const memory = new Gauge({
    name: "registry_process_memory_bytes",
    help: "Memory of each of the registry's processes: resident, of which heap in use and buffers (external).",
    labelNames: ["process", "kind"],
    registers,
  });
  const delay = new Gauge({
    name: "registry_process_event_loop_delay_seconds",
    help: "How late timers of each of the registry's processes came since the last scrape: half of them (p50), 99 of 100 (p99), and all (max) were less late.",
    labelNames: ["process", "statistic"],
    registers,
  });
  return async (all) => {
    for (const { name, values } of all) {
      const value = values[0]?.value;
      // Where nothing was measured since the last look, the runtime has no number.
      if (value === undefined || !Number.isFinite(value)) continue;
      const kind = MEMORY[name];
      if (kind !== undefined) memory.set({ process, kind }, value);
      const statistic = DELAY[name];
      if (statistic !== undefined) delay.set({ process, statistic }, Math.max(0, value - TIMER));
    }
    return registry.getMetricsAsJSON();
  };
}
