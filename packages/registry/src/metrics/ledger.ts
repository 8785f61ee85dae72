import type { MetricsSnapshot } from "./metrics.js";

type Metric = MetricsSnapshot[number];

/**
 * What several processes have counted, those that are gone included. A sum over only the processes that answer at the moment
 * would go backwards when one of them dies or is too busy to answer, which looks to Prometheus like a restart of the registry
 * and gives rates that never were.
 */
export class MetricsLedger {
  readonly #last = new Map<number, MetricsSnapshot>();
  #retired: MetricsSnapshot = [];

  /** A process has told what it has so far. */
  note(process: number, snapshot: MetricsSnapshot): void {
    this.#last.set(process, snapshot);
  }

  /** A process is gone: what it had counted when it was last asked stays, what it measured (memory, connections) doesn't. */
  retire(process: number): void {
    const last = this.#last.get(process);
    if (last === undefined) return;
    this.#last.delete(process);
    this.#retired = addCounts(this.#retired, last);
  }

  /** What is to be summed. A process that hasn't answered lately is there with what it told last. */
  snapshots(): readonly MetricsSnapshot[] {
    // Last, since the first of a family says how it is told: a process of today knows better.
    return [...this.#last.values(), this.#retired];
  }
}

/** Counters and histograms of both, added up. */
function addCounts(total: MetricsSnapshot, more: MetricsSnapshot): MetricsSnapshot {
  const families = new Map<string, Metric>(total.map((metric) => [metric.name, metric]));
  for (const metric of more) {
    if (!isCount(metric)) continue;
    const known = families.get(metric.name);
    families.set(metric.name, known === undefined ? metric : { ...metric, values: addValues(known, metric) });
  }
  return [...families.values()];
}

/** The type comes from another process as text, whatever the library's declaration says. */
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
