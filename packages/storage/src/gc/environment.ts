import { canTouch, type StorageDriver } from "../contract/driver.js";
import { isObjectStorage, type ObjectStorage } from "../contract/object-storage.js";
import { COLLECTOR_WAITS, watchCollectors } from "../store/leases/collector-watch.js";
import { seeHidden } from "../store/leases/hidden-files.js";
import { seeHiddenObjects } from "../store/leases/hidden-objects.js";
import { storageTime } from "./clock.js";
import { fileHiding } from "./file-hiding.js";
import { restoreLeftovers } from "./leftovers.js";
import { takeLock } from "./lock.js";
import { objectHiding } from "./object-hiding.js";
import type { CollectOptions } from "./options.js";
import { cutoffOf, type Run } from "./run-state.js";

/** What a collection works with: its storage, and how it coexists with other processes there. */
export interface CollectorEnvironment extends Pick<Run, "driver" | "store" | "hiding"> {
  /** The storage's time when the collection begins (ms). */
  readonly start: number;
  close(): Promise<void>;
}

/** Acquires what a collection needs. Throws LockHeldError if another collection runs over the same object storage. */
export async function openEnvironment(driver: StorageDriver, options: CollectOptions): Promise<CollectorEnvironment> {
  if (canTouch(driver)) {
    const start = await startOf(driver, options);
    return {
      start,
      driver,
      store: seeHidden(driver),
      hiding: fileHiding(driver),
      close: () => Promise.resolve(),
    };
  }
  if (!isObjectStorage(driver)) {
    throw new Error(`garbage can't be collected over the storage driver ${driver.name}; nothing was read or changed`);
  }
  return options.dryRun === true ? openDryRun(driver, options) : openOverObjects(driver, options);
}

async function openOverObjects(
  driver: StorageDriver & ObjectStorage,
  options: CollectOptions,
): Promise<CollectorEnvironment> {
  const { signal, lockWait = COLLECTOR_WAITS } = options;
  const lock = await takeLock(driver, lockWait, signal);
  const check = (): void => lock.check();
  try {
    const start = await storageTime(driver, { signal });
    await restoreLeftovers(driver, { run: lock.run, now: start, check });
    const hiding = objectHiding(driver, { run: lock.run, check, cutoff: cutoffOf(start, options) });
    return { start, driver, store: driver, hiding, close: () => lock.release(hiding.isAnythingHidden) };
  } catch (error) {
    // Some of the files that earlier runs left hidden may not be back in place.
    await lock.release(true);
    throw error;
  }
}

/** Only reads; other processes are unaffected. */
async function openDryRun(
  driver: StorageDriver & ObjectStorage,
  options: CollectOptions,
): Promise<CollectorEnvironment> {
  const store = seeHiddenObjects(driver, watchCollectors(driver));
  const start = await startOf(driver, options);
  const hiding = objectHiding(driver, { run: "none", check: () => undefined, cutoff: cutoffOf(start, options) });
  return { start, driver, store, hiding, close: () => Promise.resolve() };
}

async function startOf(driver: StorageDriver, { signal, dryRun }: CollectOptions): Promise<number> {
  try {
    return await storageTime(driver, { signal });
  } catch (error) {
    // A dry run over read-only storage removes nothing: this machine's clock is good enough to say what would be removed.
    if (dryRun === true) return Date.now();
    throw error;
  }
}
