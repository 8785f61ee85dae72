import { LRUCache } from "lru-cache";
import { canTouch, type CallOptions, type StorageDriver } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { blobData, layerLink, revisionLink } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { hasLink, orUndefined, readLink } from "./links.js";

/** How long a renewal is good for those who only ask, in ms, where nothing else is said: a quarter of the usual grace. */
const FRESH_FOR = 15 * 60_000;

/** Renewals that are remembered: some 250 bytes each. */
const REMEMBERED = 16_384;

/**
 * What keeps a collector away from files that a push relies on (docs/architecture.md §Garbage collection while serving): the
 * time of a file's last change is its lease.
 */
export interface Leases {
  /** Renews the lease of the file at `path`, and tells whether the file is there. Nothing is skipped: proofs rest on this. */
  renew(path: string, options?: CallOptions): Promise<boolean>;
  /**
   * Renews where the last renewal, which was at `modified` or later, is some time ago. Tells whether the file is there, as
   * far as this looked. A storage that refuses doesn't make whoever only asked fail.
   */
  keep(path: string, modified: Date, options?: CallOptions): Promise<boolean>;
}

export interface LeaseOptions {
  /** For how long `keep` relies on a renewal, in ms; a quarter of an hour where absent. */
  readonly freshFor?: number | undefined;
  /** False: nothing is ever renewed. Only for the test that shows what happens then. */
  readonly renewed?: boolean | undefined;
  readonly now?: (() => number) | undefined;
}

/** The leases of a process. */
export function openLeases(driver: StorageDriver, options: LeaseOptions = {}): Leases {
  const { freshFor = FRESH_FOR, renewed = true, now = Date.now } = options;
  const renewals = new LRUCache<string, number>({ max: REMEMBERED });

  const renew = async (path: string, call?: CallOptions): Promise<boolean> => {
    if (renewed) return renewFile(driver, path, call);
    return (await orUndefined(driver.stat(path, call))) !== undefined;
  };

  return {
    renew,
    keep: async (path, modified, call) => {
      // No collector works there: a look would cost a request, and tell nothing new.
      if (!canTouch(driver)) return true;
      const time = now();
      if (Math.max(modified.getTime(), renewals.get(path) ?? -Infinity) >= time - freshFor) return true;
      try {
        const isThere = await renew(path, call);
        if (isThere) renewals.set(path, time);
        return isThere;
      } catch (error) {
        if (isStorageError(error)) return true;
        throw error;
      }
    },
  };
}

/** Renews the lease of the file at `path`, and tells whether the file is there. */
export async function renewFile(driver: StorageDriver, path: string, options?: CallOptions): Promise<boolean> {
  const work = canTouch(driver) ? driver.touch(path, options) : driver.stat(path, { ...options, fileOnly: true });
  return (await orUndefined(Promise.resolve(work).then(() => true))) === true;
}

/** Where leases are renewed. */
export interface LeasePlace {
  readonly name: RepositoryName;
  readonly driver: StorageDriver;
  readonly leases: Leases;
}

/**
 * Renews the blob `digest` of a repository and tells whether it is there: bytes first, then the link. A collector removes a
 * link only after it has found no bytes, so that the bytes' lease covers their links.
 */
export async function renewBlob(
  { name, driver, leases }: LeasePlace,
  digest: Digest,
  options?: CallOptions,
): Promise<boolean> {
  const link = layerLink(name, digest);
  // The original links a sha512 to the sha256 (contract §1.6).
  const target = await readLink(driver, link, options);
  if (target === undefined || !(await leases.renew(blobData(target), options))) return false;
  // Where no collector works the first look at the link is enough, and the second would cost a request.
  return !canTouch(driver) || hasLink(driver, link, target, options);
}

/** Renews the manifest `digest` of a repository and tells whether it is there. */
export async function renewManifest(
  { name, leases }: LeasePlace,
  digest: Digest,
  options?: CallOptions,
): Promise<boolean> {
  if (!(await leases.renew(revisionLink(name, digest), options))) return false;
  return leases.renew(blobData(digest), options);
}
