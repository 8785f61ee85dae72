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
export type {
  ManifestPush,
  ManifestStore,
  PushedManifest,
  PushOptions,
  StoredManifest,
} from "./contract/manifest-store.js";
export type { ReferrerPage, ReferrerStore } from "./contract/referrer-store.js";
export type { Registry, RemovedItem, RemovedRepository, RemoveOptions, Repository } from "./contract/registry.js";
export type { Page, PageRequest, ResolveOptions, TagStore } from "./contract/tag-store.js";
export type { UploadBody, UploadStatus, UploadStore } from "./contract/upload-store.js";

export type { Descriptor, Platform } from "./model/descriptor.js";
export {
  CANONICAL_ALGORITHM,
  createDigester,
  DIGEST_ALGORITHMS,
  digestOf,
  isDigest,
  isDigestAlgorithm,
  looksLikeDigest,
  parseDigest,
  splitDigest,
  type Digest,
  type DigestAlgorithm,
  type Digester,
} from "./model/digest.js";
export { isImageConfig, parseImageConfig, type ImageConfig } from "./model/image-config.js";
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

export { CACHE_KINDS, openCaches } from "./cache/kinds.js";
export { openSharedChannels, type ChannelListener, type SharedChannels } from "./cache/redis/channels.js";
export { openSharedScript, type SharedScript } from "./cache/redis/scripts.js";
export { probeChannels, probeRedis } from "./cache/redis/probe.js";
export { parseRedisAddress, RedisSettingError, type RedisOptions } from "./cache/redis/options.js";
export type { CacheObserver, CacheOperation, Caches, LinkCache, LinkName } from "./contract/caches.js";
export type { RecordStore, VersionedRecord } from "./contract/records.js";
export { openRecords } from "./store/records/open-records.js";
export { mapConcurrently } from "./store/shared/concurrent.js";
export { orUndefined } from "./store/shared/links.js";
export { openSurvey, type Survey } from "./store/survey.js";
export { createsExclusively } from "./store/conditional-writes.js";
export { storageId } from "./store/storage-id.js";
export { NOTHING_IMMUTABLE, type ImmutableTags } from "./store/tags/immutable.js";
export { openRegistry, type RegistryOptions } from "./store/open-registry.js";
export { DEFAULT_VALIDATION, type ManifestValidation, type UrlPattern } from "./store/validation.js";

export { chooseDriver, createDriver } from "./drivers/factory.js";
export { isChosenDriver, type ChosenDriver, type DriverKind, type DriverUse } from "./drivers/kind.js";
export { DRIVER_KINDS, UNAVAILABLE_DRIVERS } from "./drivers/kinds.js";
export { DriverParameterError } from "./drivers/shared/errors.js";
export { capabilitiesOf } from "./drivers/capabilities.js";
export type { ChosenMiddleware, MiddlewareKind, MiddlewarePorts } from "./drivers/middleware/kind.js";
export { MIDDLEWARE_KINDS } from "./drivers/middleware/kinds.js";
export { wrapDriver, type Around, type CallDetails, type DriverOperation } from "./drivers/around.js";
export { observeDriver, type DriverObserver } from "./drivers/observed.js";
export { adoptBlob, openBytes, sizeOfBytes } from "./store/adopt-blob.js";
export { INVENTORY_DIRECTORY, MIRROR_DIRECTORY } from "./layout/paths.js";
export { purgeUploads } from "./store/uploads/purge.js";
export { collectGarbage, CollectError } from "./gc/collect.js";
export { DigestSet } from "./gc/digest-set.js";
export { LockHeldError } from "./gc/lock.js";
export type { CollectObserver, CollectOptions, CollectProgress, CollectResult } from "./gc/options.js";
export {
  copyRepository,
  copyTag,
  type CopiedWithin,
  type CopyPlaces,
  type CopyRepositoryOptions,
} from "./copy/copy-repository.js";
export type { CopiedItem, CopyWithinOptions } from "./copy/copier.js";
export { archiveStore, type ArchiveSink } from "./archive/archive-store.js";
export { unpackTar, writeTar } from "./archive/tar.js";
export { copyStore, type CopiedStore, type CopyProblem, type CopyStoreOptions } from "./copy/copy-store.js";
export { renameRepository } from "./copy/rename-repository.js";
export { scrubStorage } from "./scrub/scrub.js";
export type {
  Finding,
  Repairable,
  RepositoryCheck,
  ScrubObserver,
  ScrubOptions,
  ScrubProgress,
  ScrubResult,
} from "./scrub/options.js";
export { claimWorkDirectory, type WorkDirectory } from "./gc/work-directory.js";
export { LayerUnreadable } from "./archive/decompression.js";
export { listLayer, type LayerPatience } from "./archive/layer-files.js";
export { agrees, findTable, type LayerSource, type LayerTable } from "./archive/layer-footer.js";
export type { LayerFile, LayerLimits, LayerListing } from "./archive/layer-listing.js";
export { listByTable } from "./archive/layer-table.js";
