import { StorageError, type BlobStore, type ManifestStore, type TagStore, type UploadStore } from "@longshore/storage";

/** A mirrored repository takes no pushes (wire contract §7): its content is the upstream's. */
function refuse(operation: string): () => Promise<never> {
  return () => Promise.reject(new StorageError({ code: "UNSUPPORTED", operation }));
}

export const NO_UPLOADS: UploadStore = {
  start: refuse("pushing to a mirrored repository"),
  status: refuse("pushing to a mirrored repository"),
  append: refuse("pushing to a mirrored repository"),
  commit: refuse("pushing to a mirrored repository"),
  cancel: refuse("pushing to a mirrored repository"),
};

/** What changes a repository, refused. */
export const NO_CHANGES: {
  readonly blobs: Pick<BlobStore, "mount">;
  readonly manifests: Pick<ManifestStore, "put">;
  readonly tags: Pick<TagStore, "set">;
} = {
  blobs: { mount: refuse("mounting into a mirrored repository") },
  manifests: { put: refuse("pushing to a mirrored repository") },
  tags: { set: refuse("tagging in a mirrored repository") },
};

/** What takes content away, refused: as Distribution does in proxy mode. */
export const NO_DELETIONS: {
  readonly blobs: Pick<BlobStore, "delete">;
  readonly manifests: Pick<ManifestStore, "delete">;
  readonly tags: Pick<TagStore, "delete">;
} = {
  blobs: { delete: refuse("deleting from a mirrored repository") },
  manifests: { delete: refuse("deleting from a mirrored repository") },
  tags: { delete: refuse("deleting from a mirrored repository") },
};

/** The removal of a mirrored repository, refused like every other delete there. */
export const NO_REMOVAL: () => Promise<never> = refuse("deleting from a mirrored repository");
