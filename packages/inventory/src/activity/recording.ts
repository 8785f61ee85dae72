import { orUndefined, type StorageDriver } from "@longshore/storage";
import { PULLS_SINCE } from "../layout.js";

const MAX_BYTES = 64;

/** Since when every process that serves has recorded pulls (ms since 1970), as the storage says; undefined: nothing says so. */
export async function readPullsSince(driver: StorageDriver): Promise<number | undefined> {
  const bytes = await orUndefined(driver.read(PULLS_SINCE, { limit: MAX_BYTES }));
  const text = bytes === undefined ? "" : Buffer.from(bytes).toString("utf8");
  return /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : undefined;
}

/** Says that pulls are recorded from `now` on, unless something says that they have been before. */
export async function beginRecording(driver: StorageDriver, now: number): Promise<void> {
  if ((await readPullsSince(driver)) === undefined) await driver.write(PULLS_SINCE, Buffer.from(String(now)));
}

/** Says that some pulls aren't recorded. */
export async function denyRecording(driver: StorageDriver): Promise<void> {
  await orUndefined(driver.delete(PULLS_SINCE, { fileOnly: true }));
}
