import type { CallOptions, StorageDriver, Touching } from "../../contract/driver.js";
import { isStorageError } from "../../errors.js";
import { condemnedNames } from "../../layout/condemned.js";
import { BLOBS_DIRECTORY } from "../../layout/paths.js";
import { orUndefined } from "../shared/links.js";

/** How many times a file may be hidden again during one call before it counts as gone. */
const ATTEMPTS = 5;

/**
 * The driver as the stores see it while a collector works: a file that is hidden but not yet removed exists. A call that needs
 * it puts it back, which ends the collector's attempt, because a hidden file can be renamed or removed, but not both.
 */
export function seeHidden(driver: StorageDriver & Touching): StorageDriver & Touching {
  const seen = async <T>(path: string, options: CallOptions | undefined, call: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call();
      } catch (error) {
        const isMissing = isStorageError(error, "PATH_NOT_FOUND") && canBeHidden(path);
        if (!isMissing || tries === ATTEMPTS || !(await putBack(driver, path, options))) throw error;
      }
    }
  };
  return {
    ...driver,
    read: (path, options) => seen(path, options, () => driver.read(path, options)),
    stat: (path, options) => seen(path, options, () => driver.stat(path, options)),
    open: (path, options) => seen(path, options, () => driver.open(path, options)),
    touch: (path, options) => seen(path, options, () => driver.touch(path, options)),
  };
}

/** Bytes of blobs, links of layers and of revisions: nothing else is ever hidden. */
export function canBeHidden(path: string): boolean {
  if (path.endsWith("/data")) return path.startsWith(BLOBS_DIRECTORY);
  return path.endsWith("/link") && (path.includes("/_layers/") || path.includes("/_manifests/revisions/"));
}

/**
 * Puts the hidden file of `path` back, and returns whether it makes sense to look again. Not synced: after a power loss the file
 * is hidden again, and the next call puts it back.
 */
async function putBack(driver: StorageDriver, path: string, options: CallOptions | undefined): Promise<boolean> {
  const at = path.lastIndexOf("/");
  const directory = path.slice(0, at);
  const name = path.slice(at + 1);
  const page = await orUndefined(driver.list(directory, options));
  // Nothing is hidden if there is no directory: the usual case, which must cost one look only.
  if (page === undefined) return false;
  const { names } = page;
  // It has been put back meanwhile.
  if (names.includes(name)) return true;
  try {
    const [hidden] = condemnedNames(names, name);
    if (hidden === undefined) return false;
    await driver.move(`${directory}/${hidden}`, path, { durable: false, signal: options?.signal });
    return true;
  } catch (error) {
    // The collector has removed it or put it back; or the storage is read-only, and nothing can be put back.
    if (isStorageError(error, "PATH_NOT_FOUND")) return true;
    if (isStorageError(error, "DRIVER_ERROR")) return false;
    throw error;
  }
}
