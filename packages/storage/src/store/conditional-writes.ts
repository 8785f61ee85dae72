import { randomUUID } from "node:crypto";
import { canTouch, type CallOptions, type StorageDriver } from "../contract/driver.js";
import { isObjectStorage, type ObjectStorage } from "../contract/object-storage.js";
import { recordPath } from "./records/record-path.js";
import { orUndefined } from "./shared/links.js";

const encoder = new TextEncoder();

/**
 * Whether of several processes that create one file, one alone succeeds. Object storage is tried with a small object of ours,
 * since some services take a condition and ignore it.
 */
export async function createsExclusively(driver: StorageDriver, options?: CallOptions): Promise<boolean> {
  if (canTouch(driver)) return true;
  if (!isObjectStorage(driver)) return false;
  const path = recordPath(driver.name, `trials/${randomUUID()}`);
  try {
    await driver.writeVersioned(path, encoder.encode("first"), undefined, options);
    const { written } = await driver.writeVersioned(path, encoder.encode("other"), undefined, options);
    return !written;
  } finally {
    await orUndefined(driver.delete(path, { fileOnly: true }));
  }
}

/** Whether a write over another version of a file than the expected one is refused, tried in the same way. */
export async function replacesConditionally(driver: StorageDriver & ObjectStorage): Promise<boolean> {
  const path = recordPath(driver.name, `trials/${randomUUID()}`);
  try {
    await driver.write(path, encoder.encode("first"));
    const { version } = await driver.readVersioned(path);
    await driver.write(path, encoder.encode("other"));
    return !(await driver.writeVersioned(path, encoder.encode("third"), version)).written;
  } finally {
    await orUndefined(driver.delete(path, { fileOnly: true }));
  }
}
