import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage } from "../../contract/object-storage.js";
import { blobData } from "../../layout/paths.js";
import { leasePath } from "../../layout/collector-files.js";
import { DIGEST_ALGORITHMS, digestOf } from "../../model/digest.js";
import type { CollectorWatch } from "./collector-watch.js";
import { putBackObject } from "./hidden-objects.js";
import { keeper, type LeaseOptions, type Leases } from "./leases.js";
import { orUndefined } from "../shared/links.js";

const EMPTY = new Uint8Array(0);

/** Where the blob without bytes is, by each algorithm. */
const EMPTY_BLOBS: ReadonlySet<string> = new Set(
  DIGEST_ALGORITHMS.map((algorithm) => blobData(digestOf(EMPTY, algorithm))),
);

/**
 * Leases over object storage: an empty object beside the protected one, written before that one is looked at. `driver` must be
 * the plain one, which doesn't see hidden files.
 */
export function objectLeases(
  driver: StorageDriver & ObjectStorage,
  watch: CollectorWatch,
  options: LeaseOptions,
): Leases {
  const { renewed = true } = options;

  const timeOf = async (path: string, call?: CallOptions): Promise<Date | undefined> => {
    const info = await orUndefined(driver.stat(path, { ...call, fileOnly: true }));
    if (info === undefined || info.isDirectory) return undefined;
    // Only a quarantine leaves an empty file: it isn't there for those who rely on it.
    return info.size === 0 && !EMPTY_BLOBS.has(path) ? undefined : info.modified;
  };
  const isThere = async (path: string, call?: CallOptions): Promise<boolean> =>
    (await timeOf(path, call)) !== undefined;
  const write = async (path: string, call?: CallOptions): Promise<void> => {
    if (renewed) await driver.write(leasePath(path), EMPTY, call);
  };

  const reveal = async (path: string, call?: CallOptions): Promise<boolean> => {
    if (await isThere(path, call)) return true;
    const { runs } = await watch.look(call);
    if (await putBackObject(driver, runs, path, call)) return true;
    // The collector may have been faster.
    return runs.length > 0 && (await isThere(path, call));
  };

  const renew = async (path: string, call?: CallOptions): Promise<boolean> => {
    await write(path, call);
    return reveal(path, call);
  };

  const keep = keeper(options, renew, timeOf);

  return {
    renew,
    keep,
    rely: keep,
    reveal,
    isInPlace: async (path, call) => {
      await write(path, call);
      return isThere(path, call);
    },
    watch: async (call) => {
      const sight = await watch.look({ ...call, maxAge: watch.halfLife });
      return { isQuiet: () => !renewed || watch.isQuiet(sight) };
    },
  };
}
