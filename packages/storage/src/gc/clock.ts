import { randomUUID } from "node:crypto";
import { canTouch, type CallOptions, type StorageDriver } from "../contract/driver.js";
import { ROOT } from "../layout/paths.js";
import { orUndefined } from "../store/links.js";

/** Ours; the original looks at its own directories alone. */
const DIRECTORY = `${ROOT}/collector`;
const EMPTY = new Uint8Array(0);

/** What the storage's clock may be off between two files, in ms: that of a file system ticks, that of others counts seconds. */
const TICK = 20;
const SECOND = 1000;

/** The storage's own time (ms), at least this long ago for everything that is written from now on. */
export async function storageTime(driver: StorageDriver, options?: CallOptions): Promise<number> {
  const path = `${DIRECTORY}/clock.${randomUUID()}`;
  await driver.write(path, EMPTY, { ...options, durable: false });
  try {
    const { modified } = await driver.stat(path, { ...options, fileOnly: true });
    const time = modified.getTime();
    return time - (time % SECOND === 0 ? SECOND : TICK);
  } finally {
    await orUndefined(driver.delete(path, { fileOnly: true }));
    if (canTouch(driver)) await driver.prune(DIRECTORY);
  }
}
