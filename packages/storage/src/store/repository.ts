import { NO_LINKS } from "../cache/none.js";
import type { Repository } from "../contract/registry.js";
import type { RepositoryName } from "../model/repository-name.js";
import { createBlobStore } from "./blobs.js";
import type { RegistryDependencies } from "./dependencies.js";
import { createManifestStore } from "./manifests/manifests.js";
import { createReferrerStore } from "./referrers/referrers.js";
import { createTagStore, openTagLinks } from "./tags/tags.js";

/** The repository `name`. It has no open resources and no state of a request, so requests can share it. */
export function createRepository(name: RepositoryName, shared: RegistryDependencies): Repository {
  const { driver, descriptors, leases } = shared;
  const tagLinks = openTagLinks(name, driver);
  // The checks of a push read the storage and fill the cache, but never rely on the cache.
  const uncached = { leases, links: NO_LINKS, descriptors: { ...descriptors, get: () => Promise.resolve(undefined) } };
  return {
    name,
    blobs: createBlobStore(driver, name, shared),
    tags: createTagStore(name, { ...shared, tagLinks }),
    uploads: shared.uploads.store(name),
    manifests: createManifestStore(name, { ...shared, tagLinks, blobs: createBlobStore(driver, name, uncached) }),
    referrers: createReferrerStore(name, shared),
  };
}
