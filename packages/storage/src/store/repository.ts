import type { StorageDriver } from "../contract/driver.js";
import type { Repository } from "../contract/registry.js";
import type { RepositoryName } from "../model/repository-name.js";
import { createBlobStore } from "./blobs.js";
import type { LiveTags } from "./live-tags.js";
import type { ManifestCache, ManifestReader } from "./manifest-bytes.js";
import { createManifestStore } from "./manifests.js";
import type { ReferrerIndexer } from "./referrer-indexing.js";
import { createReferrerStore } from "./referrers.js";
import { createTagStore } from "./tags.js";
import type { Uploads } from "./uploads.js";
import type { ManifestValidation } from "./validation.js";

/** What all repositories of a process share. */
export interface RepositoryDependencies {
  readonly driver: StorageDriver;
  readonly cache: ManifestCache;
  readonly reader: ManifestReader;
  readonly indexer: ReferrerIndexer;
  readonly uploads: Uploads;
  readonly liveTags: LiveTags;
  readonly validation: ManifestValidation;
  readonly classes: readonly string[] | undefined;
  readonly maxManifestBytes: number;
  readonly tagConcurrency: number;
}

/** The repository `name`. Cheap: made for one request, and holds nothing open. */
export function createRepository(name: RepositoryName, shared: RepositoryDependencies): Repository {
  const { driver, tagConcurrency } = shared;
  const blobs = createBlobStore(driver, name);
  const tags = createTagStore(name, { driver, concurrency: tagConcurrency, seen: shared.liveTags });
  return {
    name,
    blobs,
    tags,
    uploads: shared.uploads.store(name),
    manifests: createManifestStore(name, { ...shared, blobs, tags, maxBytes: shared.maxManifestBytes }),
    referrers: createReferrerStore(name, shared),
  };
}
