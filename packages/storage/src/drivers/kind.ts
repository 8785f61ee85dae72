import { declareKind, type Chosen, type Kind, type KindDeclaration } from "@longshore/options/kind";
import type { z } from "zod";
import type { StorageDriver } from "../contract/driver.js";

/** How a driver is used. */
export interface DriverUse {
  /** Nothing else runs in this process, and everything is read once: the driver may block and should cache little. */
  readonly alone?: boolean;
}

/** A driver that a configuration has chosen: ready to be opened. */
export interface ChosenDriver extends Chosen {
  /** Connects to nothing before the first call. Throws DriverParameterError. */
  open(use?: DriverUse): Promise<StorageDriver>;
  /** Tells one storage from another; holds no secret. */
  readonly identity: string;
  /** Whether several processes see the same storage. */
  readonly isShared: boolean;
  /** The directory on this machine that contains everything; undefined if there is none. */
  readonly directory: string | undefined;
}

/** A storage driver that a configuration can name as `storage.<name>`. */
export type DriverKind = Kind<ChosenDriver>;

type DriverPart = Pick<ChosenDriver, "open" | "identity"> & Partial<Pick<ChosenDriver, "isShared" | "directory">>;

/** Declares a storage driver. By default, processes share its storage, and it isn't a directory. */
export function declareDriver<S extends z.ZodRawShape>(declaration: KindDeclaration<S, DriverPart>): DriverKind {
  return declareKind({
    ...declaration,
    choose: (options, context) => ({ isShared: true, directory: undefined, ...declaration.choose(options, context) }),
  });
}

/** Whether a section of the configuration parsed to a driver. */
export function isChosenDriver(value: unknown): value is ChosenDriver {
  return typeof value === "object" && value !== null && "open" in value && "identity" in value;
}
