import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isObjectStorage } from "../contract/object-storage.js";
import { StorageError } from "../errors.js";
import { uploadsDirectory } from "../layout/paths.js";
import { LRUCache } from "lru-cache";
import type { RepositoryName } from "../model/repository-name.js";
import { orUndefined } from "./links.js";

/** Keeps the number of a repository's unfinished sessions below a limit. */
export interface UploadLimit {
  /** Counts one more. Throws TOO_MANY_UPLOADS. */
  admit(name: RepositoryName, options?: CallOptions): Promise<void>;
  /** One has ended. */
  release(name: RepositoryName): void;
}

/** The most sessions that are admitted between two counts. */
const UNCOUNTED = 64;
const REPOSITORIES = 10_000;

/**
 * A limit for each repository. Sessions are counted by their directory's names, and only now and then: far from the limit
 * some are admitted without a look, so that each process may go beyond it by a few. Over object storage, where a count is
 * the dearest of calls, it begins with some, and gets one back for each session that ends here: as many end at a process as
 * begin there, whichever they are, so that it counts where sessions are left lying.
 */
export function createUploadLimit(driver: StorageDriver, limit: number): UploadLimit {
  const credits = new LRUCache<RepositoryName, number>({ max: REPOSITORIES });
  const isCountDear = isObjectStorage(driver);
  const most = (left: number): number => Math.min(UNCOUNTED, Math.floor(left / 8));

  return {
    admit: async (name, options) => {
      const credit = credits.get(name) ?? (isCountDear ? most(limit) : 0);
      if (credit > 0) {
        credits.set(name, credit - 1);
        return;
      }
      const page = await orUndefined(driver.list(uploadsDirectory(name), { ...options, limit }));
      const count = page?.names.length ?? 0;
      if (count >= limit) throw new StorageError({ code: "TOO_MANY_UPLOADS", limit });
      credits.set(name, most(limit - count));
    },
    release: (name) => {
      const credit = credits.get(name);
      if (isCountDear && credit !== undefined) credits.set(name, Math.min(most(limit), credit + 1));
    },
  };
}
