import type { Chosen, Kind } from "@longshore/options/kind";
import type { StorageDriver } from "../../contract/driver.js";

/** How middleware reports problems to the operator. */
export interface MiddlewarePorts {
  warn(message: string): void;
}

/** A middleware that a configuration has chosen: ready to be put around a driver. */
export interface ChosenMiddleware extends Chosen {
  /**
   * The driver with the middleware around it; of several, the last one is asked first. Throws DriverParameterError for
   * options that can't work; the driver stays open then.
   */
  apply(driver: StorageDriver, ports: MiddlewarePorts): Promise<StorageDriver>;
  /** The storage drivers that it has an effect with; undefined: all of them. */
  readonly worksWith?: readonly string[] | undefined;
}

/** A storage middleware that an entry of `middleware.storage` can name (wire contract §6.7). */
export type MiddlewareKind = Kind<ChosenMiddleware>;
