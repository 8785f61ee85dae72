import { expect, it } from "vitest";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import type { StorageDriver } from "../../src/contract/driver.js";
import { createFilesystemDriver } from "../../src/drivers/filesystem/driver.js";
import { driverContract } from "../contract/driver-contract.js";

const MIB = 1024 * 1024;
const DAY = 24 * 60 * 60 * 1000;

/** Over a root that the first write creates. The clock is ahead, so everything counts as settled and the caches are used. */
function filesystemSubject(options: Partial<Parameters<typeof createFilesystemDriver>[0]>, ahead: number) {
  const removals = new Map<StorageDriver, () => Promise<void>>();
  return {
    create: async () => {
      const directory = await makeTemporaryFolder("storage");
      const driver = createFilesystemDriver(
        { rootdirectory: `${directory.path}/not/yet`, ...options },
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
    { buffersize: 64 * 1024, readbuffers: MIB, writebuffers: MIB, maxthreads: 25, filecache: 0, namecache: 0 },
    0,
  ),
);

it.each(["/proc/longshore", "/proc/self/longshore/a"])(
  "a root where nothing can be created fails promptly: %s",
  async (root) => {
    const driver = createFilesystemDriver({ rootdirectory: root });
    try {
      await expect(driver.write("/docker/file", Buffer.from("x"))).rejects.toThrow();
    } finally {
      await driver.close();
    }
  },
);
