import type { StorageDriver } from "../../contract/driver.js";
import { createFilesystemDriver } from "./driver.js";
import { parseFilesystemParameters } from "./parameters.js";

/** The filesystem driver from a configuration's parameters. Throws DriverParameterError. */
export function createFromParameters(parameters: unknown): StorageDriver {
  return createFilesystemDriver(parseFilesystemParameters(parameters));
}
