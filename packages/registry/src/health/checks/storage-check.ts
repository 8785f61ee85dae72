import { flag } from "@longshore/options/declare";
import { isObjectStorage, isStorageError, type StorageDriver } from "@longshore/storage";
import { declareCheck, scheduleOptions } from "../kind.js";

/** How long the storage may take to respond before that counts as a failure (ms). */
const STORAGE_TIMEOUT = 30_000;

/** Asks the storage about one path. */
export const storageCheck = declareCheck({
  name: "storagedriver",
  meaning: "The storage.",
  options: { enabled: flag(false, "Checks that the storage responds."), ...scheduleOptions() },
  choose: ({ enabled, interval, threshold, successthreshold }) => ({
    label: undefined,
    open: ({ driver, storageType }) =>
      enabled
        ? {
            name: `storagedriver_${storageType}`,
            interval,
            threshold,
            successthreshold,
            check: (signal) => checkStorage(driver, signal),
          }
        : undefined,
  }),
});

/** An empty storage has no root yet: that is healthy. */
async function checkStorage(driver: StorageDriver, signal: AbortSignal): Promise<void> {
  try {
    const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(STORAGE_TIMEOUT)]) };
    // Object storage charges ten times as much for a query about a directory as for one about a file.
    if (isObjectStorage(driver)) await driver.stat("/docker/registry/v2/health", { ...options, fileOnly: true });
    else await driver.stat("/", options);
  } catch (error) {
    if (!isStorageError(error, "PATH_NOT_FOUND")) throw error;
  }
}
