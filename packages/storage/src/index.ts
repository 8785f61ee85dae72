export {
  isStorageError,
  StorageError,
  type DigestProblem,
  type StorageErrorCode,
  type StorageFault,
} from "./errors.js";

export type { BlobStore } from "./contract/blob-store.js";
export {
  canRedirect,
  canTouch,
  type ByteRange,
  type CallOptions,
  type ContentStream,
  type FileInfo,
  type FileWriter,
  type ListOptions,
  type ListPage,
  type Redirecting,
  type RedirectRequest,
  type StorageDriver,
} from "./contract/driver.js";
export { isObjectStorage, type ObjectStorage, type SourceFile, type VersionedFile } from "./contract/object-storage.js";
export type { ManifestPush, ManifestStore, PushedManifest, StoredManifest } from "./contract/manifest-store.js";
export type { ReferrerPage, ReferrerStore } from "./contract/referrer-store.js";
export type { Registry, Repository } from "./contract/registry.js";
export type { Page, PageRequest, TagStore } from "./contract/tag-store.js";
export type { UploadBody, UploadStatus, UploadStore } from "./contract/upload-store.js";

export type { Descriptor, Platform } from "./model/descriptor.js";
export {
  CANONICAL_ALGORITHM,
  DIGEST_ALGORITHMS,
  digestOf,
  isDigest,
  isDigestAlgorithm,
  looksLikeDigest,
  parseDigest,
  splitDigest,
  type Digest,
  type DigestAlgorithm,
} from "./model/digest.js";
export type { ImageManifest, IndexManifest, Manifest } from "./model/manifest/manifest.js";
export { parseManifest } from "./model/manifest/parse.js";
export { referencesOf, type ManifestReference } from "./model/manifest/references.js";
export {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  isImageMediaType,
  isIndexMediaType,
  isManifestMediaType,
  OCI_INDEX,
  OCI_MANIFEST,
  OCTET_STREAM,
  type ImageMediaType,
  type IndexMediaType,
  type ManifestMediaType,
} from "./model/media-types.js";
export { parseReference, type Reference } from "./model/reference.js";
export { isRepositoryName, parseRepositoryName, type RepositoryName } from "./model/repository-name.js";
export { isTagName, parseTagName, type TagName } from "./model/tag.js";

export { openCaches, type CachesOptions } from "./cache/open-caches.js";
export { parseRedisAddress, RedisSettingError, type RedisOptions } from "./cache/redis/options.js";
export type { CacheObserver, CacheOperation, Caches, LinkCache, LinkName } from "./contract/caches.js";
export { storageId } from "./store/storage-id.js";
export { openRegistry, type RegistryOptions } from "./store/open-registry.js";
export { DEFAULT_VALIDATION, type ManifestValidation } from "./store/validation.js";

export { createDriver } from "./drivers/factory.js";
export { DriverParameterError } from "./drivers/parameters.js";
export { capabilitiesOf } from "./drivers/capabilities.js";
export { parseS3Parameters } from "./drivers/s3/parameters.js";
export { applyMiddleware } from "./drivers/middleware/apply.js";
export type {
  AwsClients,
  CloudfrontOptions,
  MiddlewarePorts,
  RedirectOptions,
  RewriteOptions,
  StorageMiddleware,
} from "./drivers/middleware/options.js";
export { wrapDriver, type Around, type CallDetails, type DriverOperation } from "./drivers/around.js";
export { observeDriver, type DriverObserver } from "./drivers/observed.js";
export { purgeUploads } from "./store/upload-purge.js";
export { collectGarbage, CollectError } from "./gc/collect.js";
export { LockHeldError } from "./gc/lock.js";
export type { CollectObserver, CollectOptions, CollectProgress, CollectResult } from "./gc/options.js";
export { claimWorkDirectory, type WorkDirectory } from "./gc/work-directory.js";
