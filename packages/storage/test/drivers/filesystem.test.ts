import type { StorageDriver } from "../../src/contract/driver.js";
import { createFilesystemDriver } from "../../src/drivers/filesystem/driver.js";
import { driverContract } from "../contract/driver-contract.js";
import { temporaryDirectory } from "./temporary.js";

const MIB = 1024 * 1024;
const DAY = 24 * 60 * 60 * 1000;

/** Over a root that the first write makes. With the clock ahead everything counts as settled, so that the caches are used. */
function filesystemSubject(options: Partial<Parameters<typeof createFilesystemDriver>[0]>, ahead: number) {
  const removals = new Map<StorageDriver, () => Promise<void>>();
  return {
    create: async () => {
      const directory = await temporaryDirectory();
      const driver = createFilesystemDriver(
        { rootDirectory: `${directory.path}/not/yet`, ...options },
        { now: () => Date.now() + ahead },
      );
      removals.set(driver, directory.remove);
      return driver;
    },
    destroy: async (driver: StorageDriver) => {
      await driver.close();
      await removals.get(driver)?.();
    },
  };
}

driverContract("filesystem", filesystemSubject({}, 0));
driverContract("filesystem, with caches that believe the clock", filesystemSubject({}, DAY));
driverContract(
  "filesystem, with small buffers, few threads and no caches",
  filesystemSubject(
    { bufferSize: 64 * 1024, readBuffers: MIB, writeBuffers: MIB, maxThreads: 25, fileCache: 0, nameCache: 0 },
    0,
  ),
);
