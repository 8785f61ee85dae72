import { MIB } from "@longshore/base/size";
import { LRUCache } from "lru-cache";
import { NO_CACHES } from "../cache/none.js";
import type { Caches } from "../contract/caches.js";
import type { StorageDriver } from "../contract/driver.js";
import type { Registry, Repository } from "../contract/registry.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { RegistryDependencies } from "./dependencies.js";
import { listRepositories } from "./catalog/catalog.js";
import type { LeaseOptions } from "./leases/leases.js";
import { createManifestCache, createManifestReader, observeCache } from "./manifests/bytes.js";
import { openLeases } from "./leases/open-leases.js";
import { createReferrerIndexer } from "./referrers/indexing.js";
import { createRepository } from "./repository.js";
import { createFoundManifests } from "./manifests/revisions.js";
import { removeRepository } from "./removal/remove-repository.js";
import { createKnownItems } from "./shared/known-items.js";
import { createTagPages } from "./tags/pages.js";
import { NOTHING_IMMUTABLE, type ImmutableTags } from "./tags/immutable.js";
import { createUploads } from "./uploads/uploads.js";
import { DEFAULT_VALIDATION, type ManifestValidation } from "./validation.js";

/** Options of {@link openRegistry}. */
export interface RegistryOptions {
  /** What a pushed manifest must satisfy; Distribution's rules by default. */
  readonly validation?: ManifestValidation | undefined;
  /** Classes that a pushed image may have (`policy.repository.classes`); any by default. */
  readonly classes?: readonly string[] | undefined;
  /** Which tags can't be moved or deleted once they exist; none by default. */
  readonly immutable?: ImmutableTags | undefined;
  /** Bytes of the largest manifest that is accepted or read; 4 MiB by default. */
  readonly maxManifestBytes?: number | undefined;
  /** Bytes of manifests that this process caches; 0 disables the cache; 64 MiB by default. */
  readonly manifestCacheBytes?: number | undefined;
  /** Further caches, which the caller closes; none by default. */
  readonly caches?: Caches | undefined;
  /** Called for each lookup in the manifest cache. */
  readonly onCacheLookup?: ((hit: boolean) => void) | undefined;
  /** Tag links that one call reads at a time (`storage.tag.concurrencylimit`), at least 1; 8 by default. */
  readonly tagConcurrency?: number | undefined;
  /** Unfinished upload sessions that a repository may have; the upload store's own limit by default. */
  readonly uploadLimit?: number | undefined;
  /** How pushes protect files from a collector. */
  readonly leases?: LeaseOptions | undefined;
}

const MAX_LIVE_TAGS = 100_000;
const MAX_SEEN_REVISIONS = 50_000;
const MAX_FOUND_MANIFESTS = 20_000;
/** Of some kilobytes each. */
const MAX_OPEN_REPOSITORIES = 256;

/**
 * Opens all repositories of `storage`. Call it once in a process: the registry holds the manifest cache and the running digests
 * of uploads. Nothing needs to be closed except the driver, which the caller owns.
 */
export function openRegistry(storage: StorageDriver, options: RegistryOptions = {}): Registry {
  const { driver, leases } = openLeases(storage, options.leases);
  const maxManifestBytes = options.maxManifestBytes ?? 4 * MIB;
  const plain = createManifestCache(options.manifestCacheBytes ?? 64 * MIB);
  const cache = options.onCacheLookup === undefined ? plain : observeCache(plain, options.onCacheLookup);
  const caches = options.caches ?? NO_CACHES;
  const shared: RegistryDependencies = {
    driver,
    links: caches.links,
    descriptors: caches.descriptors,
    cache,
    reader: createManifestReader(driver, cache, maxManifestBytes, caches.manifests),
    // Bypasses the cache: reading every manifest once must not evict those that clients use.
    indexer: createReferrerIndexer(createManifestReader(driver, createManifestCache(0), maxManifestBytes)),
    uploads: createUploads(driver, {
      leases,
      descriptors: caches.descriptors,
      ...(options.uploadLimit === undefined ? {} : { sessionLimit: options.uploadLimit }),
    }),
    leases,
    liveTags: createKnownItems(MAX_LIVE_TAGS),
    tagPages: createTagPages(MAX_LIVE_TAGS),
    seenRevisions: createKnownItems(MAX_SEEN_REVISIONS),
    immutable: options.immutable ?? NOTHING_IMMUTABLE,
    validation: options.validation ?? DEFAULT_VALIDATION,
    classes: options.classes,
    maxManifestBytes,
    tagConcurrency: Math.max(options.tagConcurrency ?? 8, 1),
  };
  const found = createFoundManifests(MAX_FOUND_MANIFESTS);
  // A repository holds nothing of a request, and making one costs as much as reading a link.
  const repositories = new LRUCache<RepositoryName, Repository>({ max: MAX_OPEN_REPOSITORIES });
  return {
    repository(name) {
      const known = repositories.get(name);
      if (known !== undefined) return known;
      const repository = createRepository(name, shared);
      repositories.set(name, repository);
      return repository;
    },
    repositories: (page) => listRepositories(driver, page, found),
    remove: (name, options) => removeRepository(name, shared, options),
  };
}
