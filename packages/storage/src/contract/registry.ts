import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";
import type { BlobStore } from "./blob-store.js";
import type { CallOptions } from "./driver.js";
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

/** What the removal of a repository removes. */
export type RemovedItem =
  | { readonly kind: "manifest"; readonly digest: Digest }
  /** `digest`: where it pointed; undefined if its link was damaged. */
  | { readonly kind: "tag"; readonly tag: TagName; readonly digest: Digest | undefined }
  | { readonly kind: "upload"; readonly uuid: string };

/** Options of {@link Registry.remove}. */
export interface RemoveOptions extends CallOptions {
  /** Called for each manifest and each tag just before it is removed. If it rejects, the removal ends with its error. */
  readonly before?: ((item: RemovedItem) => Promise<void>) | undefined;
  /** Called for each that was removed. Must not throw. */
  readonly onRemoved?: ((item: RemovedItem) => void) | undefined;
}

/** What a removal did. */
export interface RemovedRepository {
  readonly manifests: number;
  readonly tags: number;
  readonly uploads: number;
  /** Manifests that were pushed during the removal, and what these refer to: they stay, and so does the repository. */
  readonly left: number;
}

/** All repositories of one storage. Decorated by notifications and the pull-through cache. */
export interface Registry {
  repository(name: RepositoryName): Repository;
  /** A page of the names of repositories that contain at least one manifest, ascending by bytes. */
  repositories(page?: PageRequest): Promise<Page<RepositoryName>>;
  /**
   * Removes the repository `name`, but none below it (docs/protocols/repositories.md): when it resolves, no process knows its
   * tags and manifests, and its upload sessions have ended. Links to its blobs, and bytes that nothing else refers to, are left
   * to the next collection. A concurrent push ends as if it had come before or after; none leaves a manifest without what it
   * refers to. Interrupted, it can be called again. Throws NAME_UNKNOWN if there is nothing to remove.
   */
  remove(name: RepositoryName, options?: RemoveOptions): Promise<RemovedRepository>;
}
