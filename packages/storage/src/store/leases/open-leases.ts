import { canTouch, type CallOptions, type StorageDriver, type Touching } from "../../contract/driver.js";
import { isObjectStorage } from "../../contract/object-storage.js";
import { watchCollectors } from "./collector-watch.js";
import { seeHidden } from "./hidden-files.js";
import { seeHiddenObjects } from "./hidden-objects.js";
import { keeper, type LeaseOptions, type Leases } from "./leases.js";
import { orUndefined } from "../shared/links.js";
import { objectLeases } from "./object-leases.js";

/** A driver with the leases that protect its files. */
export interface HeldStorage {
  /** As the stores see it: files that a collector has hidden exist. */
  readonly driver: StorageDriver;
  readonly leases: Leases;
}

/** The leases of a process, and the driver to use with them. */
export function openLeases(storage: StorageDriver, options: LeaseOptions = {}): HeldStorage {
  if (canTouch(storage)) {
    const driver = seeHidden(storage);
    return { driver, leases: fileLeases(driver, options) };
  }
  if (isObjectStorage(storage)) {
    const watch = watchCollectors(storage, options.collectorSeenFor);
    return { driver: seeHiddenObjects(storage, watch), leases: objectLeases(storage, watch, options) };
  }
  return { driver: storage, leases: noLeases(storage) };
}

/** No collector works over a driver that supports neither kind of lease. */
function noLeases(driver: StorageDriver): Leases {
  const there = () => Promise.resolve(true);
  return {
    renew: (path, call) => renewFile(driver, path, call),
    keep: there,
    rely: there,
    reveal: there,
    isInPlace: there,
    watch: () => Promise.resolve({ isQuiet: () => true }),
  };
}

/** Leases of real files. */
function fileLeases(driver: StorageDriver & Touching, options: LeaseOptions): Leases {
  const { renewed = true } = options;
  const renew = async (path: string, call?: CallOptions): Promise<boolean> => {
    if (renewed) return renewFile(driver, path, call);
    return (await orUndefined(driver.stat(path, call))) !== undefined;
  };
  const there = () => Promise.resolve(true);
  return {
    renew,
    keep: keeper(options, renew),
    rely: (path, _modified, call) => renew(path, call),
    reveal: there,
    isInPlace: there,
    watch: () => Promise.resolve({ isQuiet: () => false }),
  };
}

/** Renews the lease of the file at `path`, and returns whether the file exists. */
export async function renewFile(driver: StorageDriver, path: string, options?: CallOptions): Promise<boolean> {
  const work = canTouch(driver) ? driver.touch(path, options) : driver.stat(path, { ...options, fileOnly: true });
  return (await orUndefined(Promise.resolve(work).then(() => true))) === true;
}
