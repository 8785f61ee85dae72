import type { RepositoryName } from "../model/repository-name.js";
import type { BlobStore } from "./blob-store.js";
import type { ManifestStore } from "./manifest-store.js";
import type { ReferrerStore } from "./referrer-store.js";
import type { Page, PageRequest, TagStore } from "./tag-store.js";
import type { UploadStore } from "./upload-store.js";

/** Everything under one name. Created for each request, and holds nothing open. */
export interface Repository {
  readonly name: RepositoryName;
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  readonly manifests: ManifestStore;
  readonly tags: TagStore;
  readonly referrers: ReferrerStore;
}

/** All repositories of one storage. Decorated by notifications and the pull-through cache. */
export interface Registry {
  repository(name: RepositoryName): Repository;
  /** A page of the names of repositories that contain at least one manifest, ascending by bytes. */
  repositories(page?: PageRequest): Promise<Page<RepositoryName>>;
}
