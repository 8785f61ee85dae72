import { NO_LINKS } from "../cache/none.js";
import type { Caches, DescriptorCache } from "../contract/caches.js";
import type { StorageDriver } from "../contract/driver.js";
import type { Repository } from "../contract/registry.js";
import type { UploadStore } from "../contract/upload-store.js";
import type { RepositoryName } from "../model/repository-name.js";
import { createBlobStore } from "./blobs.js";
import type { Leases } from "./leases.js";
import type { LiveTags } from "./live-tags.js";
import type { ManifestCache, ManifestReader } from "./manifest-bytes.js";
import { createManifestStore } from "./manifests.js";
import type { ReferrerIndexer } from "./referrer-indexing.js";
import { createReferrerStore } from "./referrers.js";
import { createTagStore } from "./tags.js";
import type { SeenRevisions } from "./seen-revisions.js";
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
  readonly leases: Leases;
  readonly seenRevisions: SeenRevisions;
  readonly caches: Pick<Caches, "links" | "descriptors">;
  readonly validation: ManifestValidation;
  readonly classes: readonly string[] | undefined;
  readonly maxManifestBytes: number;
  readonly tagConcurrency: number;
}

/** The repository `name`. Cheap: made for one request, and holds nothing open. */
export function createRepository(name: RepositoryName, shared: RepositoryDependencies): Repository {
  const { driver, tagConcurrency, caches } = shared;
  const { links, descriptors } = caches;
  const tags = createTagStore(name, { driver, links, concurrency: tagConcurrency, seen: shared.liveTags });
  // What is learnt while a push is checked is remembered; nothing that was remembered is relied on.
  const { leases } = shared;
  const asked = { leases, links: NO_LINKS, descriptors: { ...descriptors, get: () => Promise.resolve(undefined) } };
  return {
    name,
    blobs: createBlobStore(driver, name, { ...caches, leases }),
    tags,
    uploads: rememberCommits(shared.uploads.store(name), descriptors),
    manifests: createManifestStore(name, {
      ...shared,
      links,
      blobs: createBlobStore(driver, name, asked),
      tags,
      maxBytes: shared.maxManifestBytes,
    }),
    referrers: createReferrerStore(name, shared),
  };
}

/** What was committed is described without asking again; and a file of another size may have been in its place. */
function rememberCommits(uploads: UploadStore, descriptors: DescriptorCache): UploadStore {
  return {
    ...uploads,
    async commit(...call) {
      const descriptor = await uploads.commit(...call);
      // Not when it was changed: it may have been there for long.
      descriptors.set(descriptor.digest, { size: descriptor.size, modified: 0 });
      return descriptor;
    },
  };
}
