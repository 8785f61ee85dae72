import type { BlobStore } from "../contract/blob-store.js";
import type { DescriptorCache, LinkCache } from "../contract/caches.js";
import type { StorageDriver } from "../contract/driver.js";
import type { Digest } from "../model/digest.js";
import type { TagName } from "../model/tag.js";
import type { Leases } from "./leases/leases.js";
import type { ManifestCache, ManifestReader } from "./manifests/bytes.js";
import type { ReferrerIndexer } from "./referrers/indexing.js";
import type { ImmutableTags } from "./tags/immutable.js";
import type { KnownItems } from "./shared/known-items.js";
import type { TagPages } from "./tags/pages.js";
import type { TagLinks } from "./tags/links.js";
import type { Uploads } from "./uploads/uploads.js";
import type { ManifestValidation } from "./validation.js";

/** What all repositories of a process share. */
export interface RegistryDependencies {
  readonly driver: StorageDriver;
  readonly links: LinkCache;
  readonly descriptors: DescriptorCache;
  readonly cache: ManifestCache;
  readonly reader: ManifestReader;
  readonly indexer: ReferrerIndexer;
  readonly uploads: Uploads;
  readonly leases: Leases;
  /**
   * Tags whose directory was seen to contain a current link. As long as the directory is listed they exist, since a delete
   * removes it as a whole: listing a page needs no look into each directory. This says neither where a tag points nor whether
   * its directory still exists. A tag whose delete was interrupted by a crash is listed until a client asks for it.
   */
  readonly liveTags: KnownItems<TagName>;
  /** Pages of tags, for as long as the listings that they were made of are the same. */
  readonly tagPages: TagPages;
  /**
   * Revisions that this process has seen linked. If a tag points to one right now, it can be served: the delete of a manifest
   * removes its tags before it is acknowledged. A tag alone isn't enough, because old versions of Distribution left tags behind
   * that point to deleted manifests.
   */
  readonly seenRevisions: KnownItems<Digest>;
  readonly immutable: ImmutableTags;
  readonly validation: ManifestValidation;
  /** Classes that a pushed image may have; undefined means any (wire contract §11.2). */
  readonly classes: readonly string[] | undefined;
  /** The size of the largest manifest, in bytes. */
  readonly maxManifestBytes: number;
  /** Tag links that one call reads, and tags that it deletes, at the same time (`storage.tag.concurrencylimit`). */
  readonly tagConcurrency: number;
}

/** What the manifests of one repository work with. */
export interface ManifestDependencies extends RegistryDependencies {
  readonly tagLinks: TagLinks;
  /** Asks the storage each time: a manifest must not rely on anything that was only remembered. */
  readonly blobs: Pick<BlobStore, "stat">;
}
