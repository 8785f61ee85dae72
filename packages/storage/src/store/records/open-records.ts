import { canTouch, type StorageDriver } from "../../contract/driver.js";
import { isObjectStorage } from "../../contract/object-storage.js";
import type { RecordStore } from "../../contract/records.js";
import { openObjectRecords } from "./record-objects.js";
import { openFileRecords } from "./record-files.js";

/** The records on the storage of `driver`, by what that storage has for changes that only one of several can make. */
export function openRecords(driver: StorageDriver): RecordStore {
  if (isObjectStorage(driver)) return openObjectRecords(driver);
  if (canTouch(driver)) return openFileRecords(driver);
  throw new Error(`the storage driver ${driver.name} can't keep records: it has no conditional writes`);
}
