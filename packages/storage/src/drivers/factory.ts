import type { StorageDriver } from "../contract/driver.js";
import { DriverParameterError } from "./shared/errors.js";
import type { ChosenDriver, DriverUse } from "./kind.js";
import { DRIVER_KINDS, UNAVAILABLE_DRIVERS } from "./kinds.js";

/** The names that {@link chooseDriver} accepts. */
export function driverNames(): readonly string[] {
  return DRIVER_KINDS.flatMap(({ name, aliases }) => [name, ...aliases]);
}

/**
 * The driver that `name` means, with `options` as `storage.<name>` has them. Throws DriverParameterError for an unknown
 * driver and for wrong options.
 */
export function chooseDriver(name: string, options: unknown): ChosenDriver {
  const kind = DRIVER_KINDS.find((each) => each.name === name || each.aliases.includes(name));
  if (kind === undefined) throw unknownDriver(name);
  const parsed = kind.section(name).safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const option = issue?.path.map(String).join(".");
  const message = issue?.message ?? "invalid options";
  throw new DriverParameterError(
    name,
    option === "" ? undefined : option,
    `storage.${name}.${option ?? ""}: ${message}`,
  );
}

/** Opens what {@link chooseDriver} finds. */
export async function createDriver(name: string, options: unknown, use?: DriverUse): Promise<StorageDriver> {
  return chooseDriver(name, options).open(use);
}

function unknownDriver(name: string): DriverParameterError {
  const known = driverNames().join(", ");
  const message = UNAVAILABLE_DRIVERS.some((driver) => driver.name === name)
    ? `the storage driver "${name}" is not available in this version; available are: ${known}`
    : `StorageDriver not registered: ${name}; available are: ${known}`;
  return new DriverParameterError(name, undefined, message);
}
