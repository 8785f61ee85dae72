import { StorageError, type Digest, type RepositoryName, type TagName } from "@longshore/storage";
import { isUpstreamError } from "./upstream/errors.js";

/** What `work` resolves to; what the upstream doesn't have throws BLOB_UNKNOWN. */
export function orUnknownBlob<T>(digest: Digest, work: Promise<T>): Promise<T> {
  return translateMissing(work, (cause) => new StorageError({ code: "BLOB_UNKNOWN", digest }, { cause }));
}

/** What `work` resolves to; what the upstream doesn't have throws MANIFEST_UNKNOWN. */
export function orUnknownManifest<T>(name: RepositoryName, digest: Digest, work: Promise<T>): Promise<T> {
  return translateMissing(work, (cause) => new StorageError({ code: "MANIFEST_UNKNOWN", name, digest }, { cause }));
}

/** What `work` resolves to; what the upstream doesn't have throws TAG_UNKNOWN. */
export function orUnknownTag<T>(name: RepositoryName, tag: TagName, work: Promise<T>): Promise<T> {
  return translateMissing(work, (cause) => new StorageError({ code: "TAG_UNKNOWN", name, tag }, { cause }));
}

/** What `work` resolves to; what the upstream doesn't have throws NAME_UNKNOWN. */
export function orUnknownName<T>(name: RepositoryName, work: Promise<T>): Promise<T> {
  return translateMissing(work, (cause) => new StorageError({ code: "NAME_UNKNOWN", name }, { cause }));
}

async function translateMissing<T>(work: Promise<T>, missing: (cause: unknown) => StorageError): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isUpstreamError(error, "NOT_FOUND") ? missing(error) : error;
  }
}
