import { SECOND } from "@longshore/base/duration";
import { randomUUID } from "node:crypto";
import { canTouch, type CallOptions, type StorageDriver } from "../contract/driver.js";
import { ROOT } from "../layout/paths.js";
import { orUndefined } from "../store/shared/links.js";

/** Distribution doesn't have this directory, and ignores it. */
const DIRECTORY = `${ROOT}/collector`;
const EMPTY = new Uint8Array(0);

/** The resolution of the storage's clock (ms): that of a file system advances in ticks, others count seconds. */
const TICK = 20;

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
