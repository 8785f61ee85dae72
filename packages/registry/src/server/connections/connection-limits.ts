import { readFile } from "node:fs/promises";
import type { HttpLimits } from "../../config/config.js";
import type { ConnectionLimits } from "./connection-table.js";

/** Descriptors that a process needs besides connections: for storage, logs and the runtime. */
const RESERVE = 256;
/** A connection being served holds its socket and a file. */
const PER_CONNECTION = 2;

/**
 * How many descriptors the system lets this process open (the runtime has raised it to the hard limit); undefined if
 * unknown.
 */
async function descriptorLimit(): Promise<number | undefined> {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

/**
 * The connections that a worker may have open: as configured (0: no limit), but at most what its descriptors allow, because
 * running out of them would break requests in progress instead of rejecting new connections.
 */
export function connectionLimit(configured: number, descriptors: number | undefined): number {
  if (descriptors === undefined) return configured;
  const possible = Math.max(16, Math.floor((descriptors - RESERVE) / PER_CONNECTION));
  return configured === 0 ? possible : Math.min(configured, possible);
}

/** The `http.limits` of the connections of this process. */
export async function connectionLimits(limits: HttpLimits): Promise<ConnectionLimits> {
  return { connections: connectionLimit(limits.connections, await descriptorLimit()), stall: limits.bodyidletimeout };
}
