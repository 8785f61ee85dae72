import type { MetricsSnapshot } from "./metrics.js";

type Metric = MetricsSnapshot[number];

/**
 * What several processes have counted, including those that have exited. A sum over only the processes that currently
 * respond would decrease when one dies or is too busy to respond; Prometheus would take that for a restart of the registry
 * and compute false rates.
 */
export class MetricsLedger {
  readonly #last = new Map<number, MetricsSnapshot>();
  #retired: MetricsSnapshot = [];

  /** Records the latest metrics of a process. */
  note(process: number, snapshot: MetricsSnapshot): void {
    this.#last.set(process, snapshot);
  }

  /** Call when a process has exited. Its last known counts are kept; its gauges (memory, connections) are dropped. */
  retire(process: number): void {
    const last = this.#last.get(process);
    if (last === undefined) return;
    this.#last.delete(process);
    this.#retired = addCounts(this.#retired, last);
  }

  /** The snapshots to sum. A process that hasn't responded lately is represented by its latest one. */
  snapshots(): readonly MetricsSnapshot[] {
    // Retired counts go last: the first snapshot of a family provides its description, and a live process has the current
    // one.
    return [...this.#last.values(), this.#retired];
  }
}

/** Adds up the counters and histograms of both. */
function addCounts(total: MetricsSnapshot, more: MetricsSnapshot): MetricsSnapshot {
  const families = new Map<string, Metric>(total.map((metric) => [metric.name, metric]));
  for (const metric of more) {
    if (!isCount(metric)) continue;
    const known = families.get(metric.name);
    families.set(metric.name, known === undefined ? metric : { ...metric, values: addValues(known, metric) });
  }
  return [...families.values()];
}

/** Whatever the library's types say, the type arrives from another process as a string. */
function isCount({ type }: Metric): boolean {
  return ["counter", "histogram"].includes(String(type));
}

function addValues(first: Metric, second: Metric): Metric["values"] {
  const sums = new Map<string, Metric["values"][number]>();
  for (const value of [...first.values, ...second.values]) {
    const labels = Object.entries(value.labels).sort(([a], [b]) => (a < b ? -1 : 1));
    const series = JSON.stringify(["metricName" in value ? value.metricName : "", labels]);
    const sum = sums.get(series);
    sums.set(series, sum === undefined ? value : { ...sum, value: sum.value + value.value });
  }
  return [...sums.values()];
}
