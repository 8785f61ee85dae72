import type { StorageDriver } from "../contract/driver.js";
import type { ObjectStorage } from "../contract/object-storage.js";
import { HIDDEN_DIRECTORY, placeOfHidden } from "../layout/collector-files.js";
import { copyObject } from "../store/hidden-objects.js";
import { orUndefined } from "../store/links.js";
import { listBatches } from "../store/paging.js";

/**
 * A hidden file whose place is taken stays for so long (ms): its run, if it isn't dead but slow, may be about to empty that
 * place. No request is under way for longer.
 */
const KEPT_FOR = 60 * 60_000;

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

/** Files below a directory, however deep. Few: as many as one run works on at a time. */
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
