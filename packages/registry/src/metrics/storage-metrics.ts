import type { DriverObserver, DriverOperation } from "@longshore/storage";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { createCacheMetrics } from "./cache-metrics.js";

/** Observers for the parts of the storage. */
export interface StorageMetrics {
  /** Observes the driver called `driver`. */
  driver(name: string): DriverObserver;
  /** Observes the caches of manifests, descriptors and links. */
  readonly cache: ReturnType<typeof createCacheMetrics>;
}

/**
 * The action in Distribution's metrics that each call counts as. Distribution measures no streams. Calls that only object
 * storage has count as the one they replace, so that dashboards which add up the actions still show all the time spent.
 */
const ACTIONS: Readonly<Record<DriverOperation, string | undefined>> = {
  GetContent: "GetContent",
  PutContent: "PutContent",
  Stat: "Stat",
  List: "List",
  Move: "Move",
  Delete: "Delete",
  RedirectURL: "RedirectURL",
  Reader: undefined,
  Writer: undefined,
  Touch: undefined,
  Compose: "Move",
  ReadVersioned: "GetContent",
  WriteVersioned: "PutContent",
  DeleteFiles: "Delete",
  AbortUnfinished: undefined,
};

/** Plain numbers while requests run; turned into samples only when scraped. */
interface Tally {
  readonly calls: Map<string, number>;
  /** By operation, then by error code. */
  readonly errors: Map<string, Map<string, number>>;
  readonly bytes: { read: number; written: number };
  readonly open: { reader: number; writer: number };
}

/**
 * Registers the storage metrics: Distribution's (wire contract §9.2), and our own of calls, errors, bytes and open streams.
 */
export function createStorageMetrics(registry: Registry): StorageMetrics {
  const registers = [registry];
  const actions = new Histogram({
    name: "registry_storage_action_seconds",
    help: "The number of seconds that the storage action takes",
    labelNames: ["driver", "action"],
    registers,
  });
  const cache = createCacheMetrics(registry);
  const tallies = new Map<string, Tally>();
  registerTallies(registry, tallies);
  return {
    driver: (name) => observer(name, actions, tallyOf(tallies, name)),
    cache,
  };
}

function observer(driver: string, actions: Histogram<"driver" | "action">, tally: Tally): DriverObserver {
  return {
    call(operation, seconds, fault) {
      const action = ACTIONS[operation];
      if (action !== undefined) actions.observe({ driver, action }, seconds);
      tally.calls.set(operation, (tally.calls.get(operation) ?? 0) + 1);
      // Created at the first call, so that the first failure shows as an increase rather than a new series.
      let errors = tally.errors.get(operation);
      if (errors === undefined) tally.errors.set(operation, (errors = new Map([["driver_error", 0]])));
      if (fault !== undefined) errors.set(fault, (errors.get(fault) ?? 0) + 1);
    },
    bytes: (direction, count) => void (tally.bytes[direction] += count),
    open: (kind, change) => void (tally.open[kind] += change),
  };
}

function registerTallies(registry: Registry, tallies: ReadonlyMap<string, Tally>): void {
  const registers = [registry];
  new Counter({
    name: "registry_storage_calls_total",
    help: "Calls to the storage driver, including streams.",
    labelNames: ["driver", "operation"],
    registers,
    collect() {
      this.reset();
      for (const [driver, { calls }] of tallies) {
        for (const [operation, count] of calls) this.inc({ driver, operation }, count);
      }
    },
  });
  new Counter({
    name: "registry_storage_errors_total",
    help: "Calls to the storage driver that failed. A missing path doesn't count as a failure.",
    labelNames: ["driver", "operation", "code"],
    registers,
    collect() {
      this.reset();
      for (const [driver, { errors }] of tallies) {
        for (const [operation, codes] of errors) {
          for (const [code, count] of codes) this.inc({ driver, operation, code }, count);
        }
      }
    },
  });
  new Counter({
    name: "registry_storage_bytes_total",
    help: "Bytes of file contents that this registry read from and wrote to the storage.",
    labelNames: ["driver", "direction"],
    registers,
    collect() {
      this.reset();
      for (const [driver, { bytes }] of tallies) {
        for (const [direction, count] of Object.entries(bytes)) this.inc({ driver, direction }, count);
      }
    },
  });
  new Gauge({
    name: "registry_storage_open_streams",
    help: "Files being read and written right now.",
    labelNames: ["driver", "kind"],
    registers,
    collect() {
      for (const [driver, { open }] of tallies) {
        for (const [kind, count] of Object.entries(open)) this.set({ driver, kind }, count);
      }
    },
  });
}

function tallyOf(tallies: Map<string, Tally>, driver: string): Tally {
  const tally = tallies.get(driver) ?? {
    calls: new Map<string, number>(),
    errors: new Map<string, Map<string, number>>(),
    bytes: { read: 0, written: 0 },
    open: { reader: 0, writer: 0 },
  };
  tallies.set(driver, tally);
  return tally;
}
