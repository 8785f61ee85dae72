import type { StorageDriver } from "../contract/driver.js";
import type { ObjectStorage } from "../contract/object-storage.js";
import { hiddenPath, leasePath } from "../layout/collector-files.js";
import { copyObject } from "../store/leases/hidden-objects.js";
import { orUndefined } from "../store/shared/links.js";
import type { HiddenFile, Hiding } from "./file-hiding.js";

/** What one run hides over object storage. */
export interface ObjectHiding extends Hiding {
  /** Whether anything may still be hidden. */
  readonly isAnythingHidden: boolean;
}

/**
 * Over object storage a file is hidden by a copy and a delete, and put back by a copy. This isn't atomic and doesn't have to be,
 * because only one collector hides files at a time (lock.ts) and each file is deleted once: a process that puts a file back
 * renews its lease before it copies, and the lease is checked once more when there is nothing left to copy. `check` throws if
 * the lock is lost; leases from `cutoff` (ms) on count.
 */
export function objectHiding(
  driver: StorageDriver & ObjectStorage,
  { run, check, cutoff }: { readonly run: string; readonly check: () => void; readonly cutoff: number },
): ObjectHiding {
  const hiddenTimes = new Map<string, number>();

  const renewedAt = async (path: string): Promise<number> =>
    (await orUndefined(driver.stat(leasePath(path), { fileOnly: true })))?.modified.getTime() ?? 0;

  const forget = async ({ at }: HiddenFile): Promise<void> => {
    await driver.delete(at, { fileOnly: true });
    hiddenTimes.delete(at);
  };

  return {
    get isAnythingHidden() {
      return hiddenTimes.size > 0;
    },
    hide: async (path) => {
      const info = await orUndefined(driver.stat(path, { fileOnly: true }));
      if (info === undefined || info.isDirectory) return undefined;
      const hidden = { path, at: hiddenPath(run, path) };
      check();
      hiddenTimes.set(hidden.at, info.modified.getTime());
      const copied = driver.compose([{ path, size: info.size }], hidden.at).then(() => true);
      if ((await orUndefined(copied)) === undefined) {
        hiddenTimes.delete(hidden.at);
        return undefined;
      }
      check();
      await driver.delete(path, { fileOnly: true });
      return hidden;
    },
    leaseOf: async ({ path, at }) => Math.max(hiddenTimes.get(at) ?? 0, await renewedAt(path)),
    restore: async (hidden) => {
      await copyObject(driver, hidden.at, hidden.path);
      await forget(hidden);
    },
    remove: async (hidden) => {
      check();
      await forget(hidden);
      // A process that found it hidden and copied it has renewed its lease before.
      if ((await renewedAt(hidden.path)) >= cutoff) return "kept";
      await driver.delete(leasePath(hidden.path), { fileOnly: true });
      return "removed";
    },
    ensure: async ({ path }, content) => {
      await driver.write(path, new TextEncoder().encode(content));
    },
    // There are no directories.
    tidy: () => Promise.resolve(),
    abandon: async (path) => {
      const lease = await renewedAt(path);
      if (lease > 0 && lease < cutoff) await driver.delete(leasePath(path), { fileOnly: true });
    },
    renewedAt,
  };
}
