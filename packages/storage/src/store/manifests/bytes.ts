import { LRUCache } from "lru-cache";
import { NO_MANIFESTS } from "../../cache/none.js";
import type { SharedManifests } from "../../contract/caches.js";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import type { StoredManifest } from "../../contract/manifest-store.js";
import { isStorageError } from "../../errors.js";
import { blobData } from "../../layout/paths.js";
import { digestOf, splitDigest, type Digest } from "../../model/digest.js";
import { sniffMediaType } from "../../model/manifest/sniff.js";
import { orUndefined } from "../shared/links.js";

/** What an entry costs besides its bytes. */
const ENTRY_OVERHEAD = 512;

/** Caches the bytes of manifests by digest. Whether a repository has one is read from the storage each time. */
export interface ManifestCache {
  get(digest: Digest): StoredManifest | undefined;
  set(manifest: StoredManifest): void;
  delete(digest: Digest): void;
}

/** A cache of at most `maxBytes` for all repositories of a process; 0 disables it. */
export function createManifestCache(maxBytes: number): ManifestCache {
  if (maxBytes <= 0) return { get: () => undefined, set: () => undefined, delete: () => undefined };
  const entries = new LRUCache<Digest, StoredManifest>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }) => bytes.length + ENTRY_OVERHEAD,
  });
  return {
    get: (digest) => entries.get(digest),
    // A copy: the caller's bytes may be a small part of a large buffer, which would be kept in memory as well.
    set: (manifest) => void entries.set(manifest.digest, { ...manifest, bytes: new Uint8Array(manifest.bytes) }),
    delete: (digest) => void entries.delete(digest),
  };
}

/** A cache that reports for each lookup whether it was a hit. */
export function observeCache(cache: ManifestCache, observe: (hit: boolean) => void): ManifestCache {
  return {
    ...cache,
    get(digest) {
      const found = cache.get(digest);
      observe(found !== undefined);
      return found;
    },
  };
}

/** Reads manifests by digest, whichever repositories link them. */
export interface ManifestReader {
  /**
   * The manifest stored under `digest`, with the type that it is served with. Undefined if there are no bytes, or if they can't
   * be that manifest: too many, not matching the digest (Distribution may have been killed while it wrote), or not JSON.
   */
  read(digest: Digest, options?: CallOptions): Promise<StoredManifest | undefined>;
}

/** A reader of manifests of at most `maxBytes`, through `cache` and then `shared`. */
export function createManifestReader(
  driver: StorageDriver,
  cache: ManifestCache,
  maxBytes: number,
  shared: SharedManifests = NO_MANIFESTS,
): ManifestReader {
  return {
    async read(digest, options) {
      const cached = cache.get(digest);
      if (cached !== undefined) return cached;
      const remembered = understand(digest, await shared.get(digest));
      if (remembered !== undefined) {
        cache.set(remembered);
        return remembered;
      }
      const manifest = understand(digest, await readBounded(driver, blobData(digest), maxBytes, options));
      if (manifest === undefined) return undefined;
      cache.set(manifest);
      shared.set(digest, manifest.bytes);
      return manifest;
    },
  };
}

/** The manifest with these bytes; undefined if they don't match the digest or aren't a manifest. */
function understand(digest: Digest, bytes: Uint8Array | undefined): StoredManifest | undefined {
  if (bytes === undefined || digestOf(bytes, splitDigest(digest).algorithm) !== digest) return undefined;
  const mediaType = typeOf(bytes);
  return mediaType === undefined ? undefined : { digest, mediaType, bytes };
}

/** The bytes of a file; undefined if it doesn't exist or is larger than `limit`. */
async function readBounded(
  driver: StorageDriver,
  path: string,
  limit: number,
  options?: CallOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await orUndefined(driver.read(path, { ...options, limit }));
  } catch (error) {
    if (!isStorageError(error, "DRIVER_ERROR")) throw error;
    // A driver reports a file that is too large like a failing disk.
    const info = await orUndefined(driver.stat(path, { ...options, fileOnly: true }));
    if (info !== undefined && info.size > limit) return undefined;
    throw error;
  }
}

function typeOf(bytes: Uint8Array): string | undefined {
  try {
    return sniffMediaType(bytes);
  } catch (error) {
    if (isStorageError(error, "MANIFEST_INVALID")) return undefined;
    throw error;
  }
}
