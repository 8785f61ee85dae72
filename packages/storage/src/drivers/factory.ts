import type { StorageDriver } from "../contract/driver.js";
import { DriverParameterError } from "./parameters.js";

/** How a driver is used. */
export interface DriverUse {
  /** Nobody else uses this process: what blocks it for a moment, but takes less of the processor, is welcome. */
  readonly alone?: boolean;
}

type Create = (parameters: unknown, use: DriverUse | undefined) => StorageDriver;

/** A driver's code is loaded when the driver is named, so that nobody pays for one that isn't used. */
const DRIVERS = new Map<string, () => Promise<Create>>([
  ["filesystem", async () => (await import("./filesystem/create.js")).createFromParameters],
  ["s3", async () => (await import("./s3/create.js")).createFromParameters],
  ["s3aws", async () => (await import("./s3/create.js")).createFromParameters],
  ["inmemory", async () => (await import("./inmemory/create.js")).createFromParameters],
]);

/** What the original has, or once had, and this version doesn't. */
const NOT_BROUGHT: readonly string[] = ["gcs", "azure", "swift", "oss"];

/** The names that {@link createDriver} takes. */
export function driverNames(): readonly string[] {
  return [...DRIVERS.keys()];
}

/**
 * The driver that a configuration names, from its parameters (`storage.<type>`). Throws DriverParameterError for an
 * unknown driver and for wrong parameters.
 */
export async function createDriver(type: string, parameters: unknown, use?: DriverUse): Promise<StorageDriver> {
  const load = DRIVERS.get(type);
  if (load !== undefined) return (await load())(parameters, use);
  const known = driverNames().join(", ");
  throw new DriverParameterError(
    type,
    undefined,
    NOT_BROUGHT.includes(type)
      ? `the storage driver "${type}" is not available in this version; available are: ${known}`
      : `StorageDriver not registered: ${type}; available are: ${known}`,
  );
}
