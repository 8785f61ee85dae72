import { HOUR } from "@longshore/base/duration";
import type { StorageDriver } from "../contract/driver.js";
import type { ObjectStorage } from "../contract/object-storage.js";
import { HIDDEN_DIRECTORY, placeOfHidden } from "../layout/collector-files.js";
import { copyObject } from "../store/leases/hidden-objects.js";
import { orUndefined } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";

/**
 * How long a hidden file is kept if its original path is in use (ms): its run may be slow instead of dead, and about to remove
 * the file there. No request takes longer.
 */
const KEPT_FOR = HOUR;

/** Puts back what runs before `run` left hidden when they died. `now` in ms, by the storage's clock. */
export async function restoreLeftovers(
  driver: StorageDriver & ObjectStorage,
  { run, now, check }: { readonly run: string; readonly now: number; readonly check: () => void },
): Promise<void> {
  for await (const runs of listBatches(driver, HIDDEN_DIRECTORY, undefined)) {
    for (const other of runs.filter((each) => each !== run)) {
      for await (const hidden of filesBelow(driver, `${HIDDEN_DIRECTORY}/${other}`)) {
        check();
        await settle(driver, hidden, placeOfHidden(other, hidden), now);
      }
    }
  }
}

async function settle(driver: StorageDriver & ObjectStorage, hidden: string, path: string, now: number): Promise<void> {
  const there = await orUndefined(driver.stat(path, { fileOnly: true }));
  if (there === undefined || there.isDirectory) {
    await copyObject(driver, hidden, path);
  } else {
    const copy = await orUndefined(driver.stat(hidden, { fileOnly: true }));
    if (copy === undefined || copy.modified.getTime() > now - KEPT_FOR) return;
  }
  await driver.delete(hidden, { fileOnly: true });
}

/** All files below a directory. There are only as many as one run processes at a time. */
async function* filesBelow(driver: StorageDriver, directory: string): AsyncGenerator<string, void, undefined> {
  for await (const names of listBatches(driver, directory, undefined)) {
    for (const name of names) {
      const path = `${directory}/${name}`;
      const info = await orUndefined(driver.stat(path));
      if (info?.isDirectory === true) yield* filesBelow(driver, path);
      else if (info !== undefined) yield path;
    }
  }
}
