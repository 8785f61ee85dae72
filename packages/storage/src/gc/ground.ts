import { canTouch, type StorageDriver } from "../contract/driver.js";
import { isObjectStorage, type ObjectStorage } from "../contract/object-storage.js";
import { COLLECTOR_WAITS, watchCollectors } from "../store/collector-watch.js";
import { seeHidden } from "../store/hidden-files.js";
import { seeHiddenObjects } from "../store/hidden-objects.js";
import { storageTime } from "./clock.js";
import { fileHiding } from "./hiding.js";
import { restoreLeftovers } from "./leftovers.js";
import { takeLock } from "./lock.js";
import { objectHiding, type ObjectHiding } from "./object-hiding.js";
import type { CollectOptions } from "./options.js";
import { cutoffOf, type Run } from "./run.js";

/** What a collection stands on: its storage, and how it is together there with others. */
export interface Ground {
  /** The storage's time when the collection begins (ms). */
  readonly start: number;
  /** Whether an interrupted collection can be gone on with: not where pushes told nobody of themselves in between. */
  readonly canResume: boolean;
  /** The driver, and how files are removed, of a collection that began at `start`. */
  stage(start: number): Pick<Run, "driver" | "store" | "hiding">;
  close(): Promise<void>;
}

/** Takes what a collection needs. Throws LockHeldError where another one works over the same object storage. */
export async function openGround(driver: StorageDriver, options: CollectOptions): Promise<Ground> {
  if (canTouch(driver)) {
    const stage = { driver, store: seeHidden(driver), hiding: fileHiding(driver) };
    const start = await startOf(driver, options);
    return { start, canResume: true, stage: () => stage, close: () => Promise.resolve() };
  }
  if (!isObjectStorage(driver)) {
    throw new Error(`garbage can't be collected over the storage driver ${driver.name}; nothing was read or changed`);
  }
  return options.dryRun === true ? openDryGround(driver, options) : openObjectGround(driver, options);
}

async function openObjectGround(driver: StorageDriver & ObjectStorage, options: CollectOptions): Promise<Ground> {
  const { signal, lockWait = COLLECTOR_WAITS } = options;
  const lock = await takeLock(driver, lockWait, signal);
  const check = (): void => lock.check();
  let hiding: ObjectHiding | undefined;
  try {
    const start = await storageTime(driver, { signal });
    await restoreLeftovers(driver, { run: lock.run, now: start, check });
    return {
      start,
      canResume: false,
      stage: (from) => {
        hiding = objectHiding(driver, { run: lock.run, check, cutoff: cutoffOf(from, options) });
        return { driver, store: driver, hiding };
      },
      close: () => lock.release(hiding?.isAnythingHidden === true),
    };
  } catch (error) {
    // What runs before this one left isn't all back.
    await lock.release(true);
    throw error;
  }
}

/** Reads, and leaves everybody alone. */
async function openDryGround(driver: StorageDriver & ObjectStorage, options: CollectOptions): Promise<Ground> {
  const store = seeHiddenObjects(driver, watchCollectors(driver));
  const start = await startOf(driver, options);
  const hiding = objectHiding(driver, { run: "none", check: () => undefined, cutoff: cutoffOf(start, options) });
  return { start, canResume: false, stage: () => ({ driver, store, hiding }), close: () => Promise.resolve() };
}

async function startOf(driver: StorageDriver, { signal, dryRun }: CollectOptions): Promise<number> {
  try {
    return await storageTime(driver, { signal });
  } catch (error) {
    // Where nothing can be written nothing will be removed either: our own clock is good enough to tell what would be.
    if (dryRun === true) return Date.now();
    throw error;
  }
}
