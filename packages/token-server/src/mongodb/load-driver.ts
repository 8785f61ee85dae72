import { AuthError } from "@longshore/auth";
import { hasErrno } from "@longshore/base/errno";

import type * as mongodb from "mongodb";

/** The official driver. */
export type Driver = typeof mongodb;

/**
 * Loads the driver, which is an optional dependency. Throws AuthError INVALID_OPTIONS, for the option `path`, if it isn't installed.
 */
export async function loadDriver(path: string, load: () => Promise<Driver> = importDriver): Promise<Driver> {
  try {
    return await load();
  } catch (error) {
    if (!hasErrno(error, "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND")) throw error;
    const reason =
      "needs the package mongodb, which isn't installed; install it beside the registry: npm install mongodb@7";
    throw new AuthError({ code: "INVALID_OPTIONS", path, reason }, { cause: error });
  }
}

function importDriver(): Promise<Driver> {
  return import("mongodb");
}
