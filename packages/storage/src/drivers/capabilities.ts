import { canRedirect, canTouch, type Redirecting, type StorageDriver, type Touching } from "../contract/driver.js";
import { hasObjectKeys, isObjectStorage, type ObjectKeys, type ObjectStorage } from "../contract/object-storage.js";

/**
 * What `driver` can do beyond the contract, as a part of a wrapper around it: `{ ...calls, ...capabilitiesOf(driver) }`.
 * Without this a wrapper would hide it from `canRedirect` and its like.
 */
export function capabilitiesOf(driver: StorageDriver): Partial<Redirecting & Touching & ObjectStorage & ObjectKeys> {
  return {
    ...(canRedirect(driver) ? { redirectUrl: (...call) => driver.redirectUrl(...call) } : {}),
    ...(canTouch(driver)
      ? {
          touch: (...call) => driver.touch(...call),
          moveInto: (...call) => driver.moveInto(...call),
          prune: (...call) => driver.prune(...call),
          writeNew: (...call) => driver.writeNew(...call),
          resolveLink: (...call) => driver.resolveLink(...call),
        }
      : {}),
    ...(isObjectStorage(driver) ? objectStorageOf(driver) : {}),
    ...(hasObjectKeys(driver) ? { objectKey: (path) => driver.objectKey(path) } : {}),
  };
}

function objectStorageOf(driver: ObjectStorage): ObjectStorage {
  return {
    isRefusing: driver.isRefusing === undefined ? undefined : () => driver.isRefusing?.() === true,
    smallestPart: driver.smallestPart,
    largestWrite: driver.largestWrite,
    largestShared: driver.largestShared,
    compose: (...call) => driver.compose(...call),
    readVersioned: (...call) => driver.readVersioned(...call),
    writeVersioned: (...call) => driver.writeVersioned(...call),
    deleteFiles: (...call) => driver.deleteFiles(...call),
    abortUnfinished: (...call) => driver.abortUnfinished(...call),
  };
}
