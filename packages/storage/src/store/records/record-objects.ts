import type { StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage } from "../../contract/object-storage.js";
import type { RecordStore, VersionedRecord } from "../../contract/records.js";
import { orUndefined } from "../shared/links.js";
import { recordPath, recordsBelow } from "./record-path.js";

/** Records as objects, one each, changed by conditional writes. */
export function openObjectRecords(driver: StorageDriver & ObjectStorage): RecordStore {
  const read = async (name: string): Promise<VersionedRecord | undefined> => {
    const file = await orUndefined(driver.readVersioned(recordPath(driver.name, name)));
    return file === undefined ? undefined : { value: file.bytes, version: file.version };
  };

  async function write(name: string, value: Uint8Array, expected: string | undefined): Promise<boolean> {
    // Storage without conditional writes never refuses, so that what is there is compared first, and what came of it after.
    if ((await read(name))?.version !== expected) return false;
    const { written } = await driver.writeVersioned(recordPath(driver.name, name), value, expected);
    if (!written) return false;
    const found = await read(name);
    return found !== undefined && Buffer.compare(found.value, value) === 0;
  }

  return {
    read,
    create: (name, value) => write(name, value, undefined),
    replace: write,
    async remove(name) {
      await orUndefined(driver.delete(recordPath(driver.name, name), { fileOnly: true }));
    },
    list: (folder) => recordsBelow(driver, folder),
  };
}
