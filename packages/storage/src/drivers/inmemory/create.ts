import { z } from "zod";
import type { StorageDriver } from "../../contract/driver.js";
import { parseParameters } from "../parameters.js";
import { createInMemoryDriver } from "./driver.js";

/** It has no parameters; the original passes over any that it is given (contract §6.3). */
const schema = z.looseObject({});

/** The in-memory driver from a configuration's parameters. */
export function createFromParameters(parameters: unknown): StorageDriver {
  parseParameters("inmemory", schema, parameters);
  return createInMemoryDriver();
}
