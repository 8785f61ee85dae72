import type { CallOptions, DeleteOptions, StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage } from "../../contract/object-storage.js";
import { isStorageError } from "../../errors.js";
import { hiddenPath } from "../../layout/collector-files.js";
import type { CollectorWatch } from "./collector-watch.js";
import { canBeHidden } from "./hidden-files.js";
import { orUndefined } from "../shared/links.js";

/** The modification time of a hidden file: it must never count as recent. */
const LONG_AGO = new Date(0);

/**
 * The driver as the stores see it over object storage: a file that a collector has hidden but not yet removed exists. Reading it
 * changes nothing; to rely on it, its lease is renewed, which puts it back. Costs nothing while no collector works.
 */
export function seeHiddenObjects(
  driver: StorageDriver & ObjectStorage,
  watch: CollectorWatch,
): StorageDriver & ObjectStorage {
  const seen = async <T>(
    path: string,
    options: CallOptions | undefined,
    call: (path: string) => Promise<T>,
  ): Promise<T> => {
    const before = watch.last;
    try {
      return await call(path);
    } catch (error) {
      // No collector could hide anything between the start of the call and now.
      if (!isMissing(error, path) || watch.isQuiet(before)) throw error;
    }
    const { runs } = await watch.look(options);
    for (const run of runs) {
      const found = await orUndefined(call(hiddenPath(run, path)));
      if (found !== undefined) return found;
    }
    // Either it has been put back meanwhile, or it is gone.
    return call(path);
  };

  /** Deletes the hidden file first, so that it can't be put back afterwards. */
  const deleteHidden = async (path: string, options: CallOptions | undefined): Promise<void> => {
    const file = canBeHidden(path) ? path : canBeHidden(`${path}/link`) ? `${path}/link` : undefined;
    if (file === undefined) return;
    const { runs } = await watch.look(options);
    if (runs.length > 0) {
      await driver.deleteFiles(
        runs.map((run) => hiddenPath(run, file)),
        options,
      );
    }
  };

  return {
    ...driver,
    read: (path, options) => seen(path, options, (at) => driver.read(at, options)),
    open: (path, options) => seen(path, options, (at) => driver.open(at, options)),
    stat: (path, options) =>
      seen(path, options, async (at) => {
        const info = await driver.stat(at, at === path ? options : { ...options, fileOnly: true });
        return at === path ? info : { ...info, path, modified: LONG_AGO };
      }),
    delete: async (path, options?: DeleteOptions) => {
      await deleteHidden(path, options);
      await driver.delete(path, options);
    },
  };
}

function isMissing(error: unknown, path: string): boolean {
  return isStorageError(error, "PATH_NOT_FOUND") && canBeHidden(path);
}

/** Puts the file at `path` back if one of `runs` has hidden it, and returns whether it did. */
export async function putBackObject(
  driver: StorageDriver & ObjectStorage,
  runs: readonly string[],
  path: string,
  options?: CallOptions,
): Promise<boolean> {
  for (const run of runs) if (await copyObject(driver, hiddenPath(run, path), path, options)) return true;
  return false;
}

/** Copies a file within the storage; false if there is none. */
export async function copyObject(
  driver: StorageDriver & ObjectStorage,
  from: string,
  to: string,
  options?: CallOptions,
): Promise<boolean> {
  const info = await orUndefined(driver.stat(from, { ...options, fileOnly: true }));
  if (info === undefined || info.isDirectory) return false;
  const copied = await orUndefined(driver.compose([{ path: from, size: info.size }], to, options).then(() => true));
  return copied === true;
}
