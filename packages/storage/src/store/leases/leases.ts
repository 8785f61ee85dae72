import { MINUTE } from "@longshore/base/duration";
import { LRUCache } from "lru-cache";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { isStorageError } from "../../errors.js";
import { blobData, layerLink, revisionLink } from "../../layout/paths.js";
import type { Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { hasLink, readLink } from "../shared/links.js";

/** How long `keep` trusts a renewal by default (ms): a quarter of the usual grace period. */
const FRESH_FOR = 15 * MINUTE;

/** How many renewals are remembered, at about 250 bytes each. */
const REMEMBERED = 16_384;

/**
 * Leases protect files that a push relies on from the collector (docs/protocols/collection.md §Garbage collection while
 * serving). A file's lease is a time: a collector keeps every file whose lease is younger than its cutoff. On real files it is
 * the file's modification time; over object storage it is that of an empty object beside the file, if that is later.
 *
 * A manifest push proves with `renew`; a client that asks whether a blob exists gets `keep` or `rely`, which cost less.
 */
export interface Leases {
  /** Always renews the lease of the file at `path`. Returns whether the file exists. */
  renew(path: string, options?: CallOptions): Promise<boolean>;
  /**
   * Renews the lease unless it was renewed recently, by this process or at `modified`. Returns whether the file exists, as far
   * as this call looked. A storage fault is ignored: a request that only reads must not fail because of it.
   */
  keep(path: string, modified: Date, options?: CallOptions): Promise<boolean>;
  /**
   * For a caller that is about to tell a client that the file, last changed at `modified`, exists: always renews the lease of a
   * real file, which is cheap; over object storage, where it takes a request, the same as `keep`.
   */
  rely(path: string, modified: Date, options?: CallOptions): Promise<boolean>;
  /**
   * Puts the file back if a collector has hidden it. Returns whether it exists. Does nothing on storage where reading a hidden
   * file puts it back.
   */
  reveal(path: string, options?: CallOptions): Promise<boolean>;
  /**
   * Renews the lease, and returns whether the file is at its own path, not hidden. Does nothing on storage where reading a
   * hidden file puts it back.
   */
  isInPlace(path: string, options?: CallOptions): Promise<boolean>;
  /** Starts to observe collectors. */
  watch(options?: CallOptions): Promise<Vigil>;
}

/** Observes collectors from the moment of its creation. */
export interface Vigil {
  /** Whether no collector has been at work from the vigil's start until now. If so, a push needs no proof. */
  isQuiet(): boolean;
}

export interface LeaseOptions {
  /** How long `keep` trusts a renewal (ms); 15 minutes by default. */
  readonly freshFor?: number | undefined;
  /** False disables all renewals, for the test that shows why they are needed. */
  readonly renewed?: boolean | undefined;
  /** Over object storage: how long "no collector was seen" is valid (ms); must be less than collectors wait. */
  readonly collectorSeenFor?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/** Implements `keep` on top of `renew`. `look` reads a file's time if the caller doesn't know it (`modified` is 0). */
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

/** The repository whose leases are renewed. */
export interface LeasePlace {
  readonly name: RepositoryName;
  readonly driver: StorageDriver;
  readonly leases: Leases;
}

/**
 * Renews the blob `digest` of a repository and returns whether it exists: bytes first, then the link. A collector removes a
 * link only after it has found the bytes missing, so the bytes' lease covers their links.
 */
export async function renewBlob(
  { name, driver, leases }: LeasePlace,
  digest: Digest,
  options?: CallOptions,
): Promise<boolean> {
  const link = layerLink(name, digest);
  // Distribution links a sha512 to the sha256 (wire contract §1.6).
  const target = await readLink(driver, link, options);
  if (target === undefined || !(await leases.renew(blobData(target), options))) return false;
  if (!(await leases.reveal(link, options))) return false;
  return hasLink(driver, link, target, options);
}

/** Renews the manifest `digest` of a repository and returns whether it exists. */
export async function renewManifest(
  { name, leases }: LeasePlace,
  digest: Digest,
  options?: CallOptions,
): Promise<boolean> {
  if (!(await leases.renew(revisionLink(name, digest), options))) return false;
  return leases.renew(blobData(digest), options);
}
