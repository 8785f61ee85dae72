import type { StorageDriver } from "../../contract/driver.js";
import { nodeCalls } from "./calls.js";
import { createDirectCalls } from "./direct-calls.js";
import { createFilesystemDriver } from "./driver.js";
import { parseFilesystemParameters } from "./parameters.js";

/**
 * The filesystem driver from a configuration's parameters. With `alone` nobody else uses this process: file operations may
 * keep it from everything else while the kernel answers. Throws DriverParameterError.
 */
export function createFromParameters(parameters: unknown, options?: { readonly alone?: boolean }): StorageDriver {
  const settings = parseFilesystemParameters(parameters);
  if (options?.alone !== true) return createFilesystemDriver(settings);
  return createFilesystemDriver(settings, { calls: createDirectCalls(nodeCalls(), () => performance.now()) });
}
