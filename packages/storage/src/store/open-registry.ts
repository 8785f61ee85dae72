import { NO_CACHES } from "../cache/none.js";
import type { Caches } from "../contract/caches.js";
import type { StorageDriver } from "../contract/driver.js";
import type { Registry } from "../contract/registry.js";
import { listRepositories } from "./catalog.js";
import type { LeaseOptions } from "./leases.js";
import { createLiveTags } from "./live-tags.js";
import { createManifestCache, createManifestReader, observeCache } from "./manifest-bytes.js";
import { openLeases } from "./open-leases.js";
import { createReferrerIndexer } from "./referrer-indexing.js";
import { createRepository } from "./repository.js";
import { createSeenRevisions } from "./seen-revisions.js";
import { createUploads } from "./uploads.js";
import { DEFAULT_VALIDATION, type ManifestValidation } from "./validation.js";

const MIB = 1024 * 1024;

/** How a registry keeps its manifests, tags and uploads. */
export interface RegistryOptions {
  /** What is asked of a pushed manifest; the original's defaults where absent. */
  readonly validation?: ManifestValidation | undefined;
  /** Classes that a pushed image may have (`policy.repository.classes`); any where absent. */
  readonly classes?: readonly string[] | undefined;
  /** Bytes of the largest manifest that is taken or read; 4 MiB where absent. */
  readonly maxManifestBytes?: number | undefined;
  /** Bytes of manifests that this process remembers, 0 for none; 64 MiB where absent. */
  readonly manifestCacheBytes?: number | undefined;
  /** Caches beside that one, which stay the caller's to close; none where absent. */
  readonly caches?: Caches | undefined;
  /** Told of each question to the manifest cache; nobody where absent. */
  readonly onCacheLookup?: ((hit: boolean) => void) | undefined;
  /** Tag links that one call reads at a time (`storage.tag.concurrencylimit`), at least 1; 8 where absent. */
  readonly tagConcurrency?: number | undefined;
  /** Unfinished upload sessions that a repository may have; the upload store's own limit where absent. */
  readonly uploadLimit?: number | undefined;
  /** How pushes hold on to what a collector might take. */
  readonly leases?: LeaseOptions | undefined;
}

/**
 * All repositories of `storage`. One for a process: it holds the manifest cache and the uploads' running
 * digests, and nothing that needs closing but the driver, which stays the caller's.
 */
export function openRegistry(storage: StorageDriver, options: RegistryOptions = {}): Registry {
  const { driver, leases } = openLeases(storage, options.leases);
  const maxManifestBytes = options.maxManifestBytes ?? 4 * MIB;
  const plain = createManifestCache(options.manifestCacheBytes ?? 64 * MIB);
  const cache = options.onCacheLookup === undefined ? plain : observeCache(plain, options.onCacheLookup);
  const caches = options.caches ?? NO_CACHES;
  const shared = {
    driver,
    cache,
    caches,
    seenRevisions: createSeenRevisions(),
    reader: createManifestReader(driver, cache, maxManifestBytes, caches.manifests),
    // Past the cache: reading everything once must not drive out what clients ask for.
    indexer: createReferrerIndexer(createManifestReader(driver, createManifestCache(0), maxManifestBytes)),
    uploads: createUploads(driver, {
      leases,
      descriptors: caches.descriptors,
      ...(options.uploadLimit === undefined ? {} : { sessionLimit: options.uploadLimit }),
    }),
    liveTags: createLiveTags(),
    leases,
    validation: options.validation ?? DEFAULT_VALIDATION,
    classes: options.classes,
    maxManifestBytes,
    tagConcurrency: Math.max(options.tagConcurrency ?? 8, 1),
  };
  return {
    repository: (name) => createRepository(name, shared),
    repositories: (page) => listRepositories(driver, page),
  };
}
