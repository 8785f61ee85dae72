import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isObjectStorage } from "../contract/object-storage.js";
import { StorageError } from "../errors.js";
import { STORAGE_ID } from "../layout/paths.js";
import { orUndefined } from "./shared/links.js";

const ID = /^[0-9a-f]{32}$/;

/** How long another process that starts on the same new storage may take between finding no id and writing one (ms). */
const SETTLE = 2000;

/**
 * The unique id of this storage, whatever processes call it in their configuration. It separates storages in a shared cache. It
 * is kept in a file that the first process creates; with `create: false` a missing file throws PATH_NOT_FOUND.
 */
export async function storageId(
  driver: StorageDriver,
  options?: CallOptions & { readonly settle?: number | undefined; readonly create?: boolean | undefined },
): Promise<string> {
  const there = await readId(driver, options);
  if (there !== undefined) return there;
  if (options?.create === false)
    throw new StorageError({ code: "PATH_NOT_FOUND", driver: driver.name, path: STORAGE_ID });
  const bytes = new TextEncoder().encode(randomBytes(16).toString("hex"));
  if (isObjectStorage(driver)) await driver.writeVersioned(STORAGE_ID, bytes, undefined, options);
  else await driver.write(STORAGE_ID, bytes, options);
  // If several processes wrote one, the last one counts for all of them.
  await delay(options?.settle ?? SETTLE, undefined, { signal: options?.signal });
  const settled = await readId(driver, options);
  if (settled !== undefined) return settled;
  const cause = new Error(`${STORAGE_ID} should hold 32 hexadecimal digits; remove it, and a new one is created`);
  const operation = "naming the storage";
  throw new StorageError({ code: "DRIVER_ERROR", driver: driver.name, operation, path: STORAGE_ID }, { cause });
}

async function readId(driver: StorageDriver, options?: CallOptions): Promise<string | undefined> {
  const bytes = await orUndefined(driver.read(STORAGE_ID, { signal: options?.signal, limit: 1024 }));
  const text = bytes && new TextDecoder().decode(bytes);
  return text !== undefined && ID.test(text) ? text : undefined;
}
