import type { BlobStore } from "../contract/blob-store.js";
import type { LinkCache } from "../contract/caches.js";
import type { StorageDriver } from "../contract/driver.js";
import type { TagStore } from "../contract/tag-store.js";
import type { LiveTags } from "./live-tags.js";
import type { Leases } from "./leases.js";
import type { ManifestCache, ManifestReader } from "./manifest-bytes.js";
import type { SeenRevisions } from "./seen-revisions.js";
import type { ManifestValidation } from "./validation.js";

/** What a repository's manifests are made of. */
export interface ManifestDependencies {
  readonly driver: StorageDriver;
  readonly reader: ManifestReader;
  readonly cache: ManifestCache;
  readonly links: LinkCache;
  readonly seenRevisions: SeenRevisions;
  readonly liveTags: LiveTags;
  /** They ask the storage: no cache is good enough for what a manifest relies on. */
  readonly blobs: Pick<BlobStore, "stat">;
  readonly tags: TagStore;
  readonly leases: Leases;
  readonly validation: ManifestValidation;
  /** Classes that a pushed image may have; undefined: any (contract §11.2). */
  readonly classes: readonly string[] | undefined;
  /** Bytes of the largest manifest. */
  readonly maxBytes: number;
  /** Tag links that are read, and tags that are deleted, at a time (`storage.tag.concurrencylimit`). */
  readonly tagConcurrency: number;
}
