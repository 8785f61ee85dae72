import { LRUCache } from "lru-cache";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { blobData, layerLink, revisionLink } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { hasLink, readLink } from "./links.js";

/** How long a renewal is good for those who only ask, in ms, where nothing else is said: a quarter of the usual grace. */
const FRESH_FOR = 15 * 60_000;

/** Renewals that are remembered: some 250 bytes each. */
const REMEMBERED = 16_384;

/**
 * What keeps a collector away from files that a push relies on (docs/architecture.md §Garbage collection while serving): the
 * time of a file's last change is its lease, or over object storage that of an empty file beside it, where that is later.
 */
export interface Leases {
  /** Renews the lease of the file at `path`, and tells whether the file is there. Nothing is skipped: proofs rest on this. */
  renew(path: string, options?: CallOptions): Promise<boolean>;
  /**
   * Renews where the last renewal, which was at `modified` or later, is some time ago. Tells whether the file is there, as
   * far as this looked. A storage that refuses doesn't make whoever only asked fail.
   */
  keep(path: string, modified: Date, options?: CallOptions): Promise<boolean>;
  /** For who was just told that the file is there since `modified`, and tells a client: as much as costs no request of it. */
  rely(path: string, modified: Date, options?: CallOptions): Promise<boolean>;
  /** Puts a hidden file back, and tells whether it is there. Where looking at a file puts it back, this is left to that. */
  reveal(path: string, options?: CallOptions): Promise<boolean>;
  /** Renews, and tells whether the file is at its path and not hidden. Where looking puts it back, this is left to that. */
  isInPlace(path: string, options?: CallOptions): Promise<boolean>;
  /** Begins to watch for collectors. */
  watch(options?: CallOptions): Promise<Vigil>;
}

/** Knows what collectors did since it began. */
export interface Vigil {
  /** Whether no collector has worked from its beginning until now: then none did anything that a push must know of. */
  isQuiet(): boolean;
}

export interface LeaseOptions {
  /** For how long `keep` relies on a renewal, in ms; a quarter of an hour where absent. */
  readonly freshFor?: number | undefined;
  /** False: nothing is ever renewed. Only for the test that shows what happens then. */
  readonly renewed?: boolean | undefined;
  /** Over object storage: for how long having seen no collector counts (ms); less than collectors wait. */
  readonly collectorSeenFor?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/** What `keep` does, however a lease is renewed. `look` finds a file's time where the caller doesn't know it: 0. */
export function keeper(
  { freshFor = FRESH_FOR, now = Date.now }: LeaseOptions,
  renew: Leases["renew"],
  look?: (path: string, call?: CallOptions) => Promise<Date | undefined>,
): Leases["keep"] {
  const renewals = new LRUCache<string, number>({ max: REMEMBERED });
  return async (path, modified, call) => {
    const time = now();
    if (Math.max(modified.getTime(), renewals.get(path) ?? -Infinity) >= time - freshFor) return true;
    try {
      const seen = modified.getTime() === 0 ? (await look?.(path, call))?.getTime() : undefined;
      if (seen !== undefined && seen >= time - freshFor) {
        renewals.set(path, seen);
        return true;
      }
      const isThere = await renew(path, call);
      if (isThere) renewals.set(path, time);
      return isThere;
    } catch (error) {
      if (isStorageError(error)) return true;
      throw error;
    }
  };
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
  if (!(await leases.reveal(link, options))) return false;
  return hasLink(driver, link, target, options);
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
