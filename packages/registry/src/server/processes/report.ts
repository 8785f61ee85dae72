import { isObjectStorage, type StorageDriver } from "@longshore/storage";
import type { ProcessReport } from "../../status/status.js";
import type { ConnectionTable } from "../connections/connection-table.js";

/** What a process counts of its caches. */
export interface CacheTally {
  requests: number;
  hits: number;
  /** Whether Redis answers; undefined: there is none, or nothing is known yet. */
  isAvailable: boolean | undefined;
}

/** What a process that serves reports of itself. */
export interface ServingParts {
  readonly connections: ConnectionTable;
  readonly driver: StorageDriver;
  readonly cache: CacheTally;
}

/** How this process does. */
export function reportOf(name: string, serving?: ServingParts): ProcessReport {
  const { rss, heapUsed } = process.memoryUsage();
  const own = {
    name,
    pid: process.pid,
    started: new Date(Date.now() - process.uptime() * 1000).toISOString(),
    memory: { resident: rss, heap: heapUsed },
  };
  if (serving === undefined) return own;
  const { connections, driver, cache } = serving;
  const { requests, hits, isAvailable } = cache;
  const isRefusing = isObjectStorage(driver) ? driver.isRefusing?.() : undefined;
  return {
    ...own,
    requests: connections.counts.requests,
    inFlight: connections.exchanges,
    connections: connections.size,
    ...(isRefusing === undefined ? {} : { storage: isRefusing ? "refusing" : "answering" }),
    cache: {
      requests,
      hits,
      ...(isAvailable === undefined ? {} : { shared: isAvailable ? "available" : "unavailable" }),
    },
  };
}
