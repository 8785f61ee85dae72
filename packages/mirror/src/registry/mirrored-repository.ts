import {
  isStorageError,
  type BlobStore,
  type ContentStream,
  type Digest,
  type ManifestStore,
  type Repository,
  type TagStore,
} from "@longshore/storage";
import type { BlobCache } from "../blobs/blob-cache.js";
import type { ContentKind, MirrorObserver } from "../contract.js";
import type { Lists } from "../lists/lists.js";
import type { ManifestCache } from "../manifests/manifest-cache.js";
import type { Route } from "../routing.js";
import { hideUpstream } from "./hide-upstream.js";
import { NO_CHANGES, NO_DELETIONS, NO_UPLOADS } from "./refusing.js";

/** What a mirrored repository is made of. */
export interface MirrorParts {
  readonly blobs: BlobCache;
  readonly manifests: ManifestCache;
  readonly lists: Lists;
  readonly observer: MirrorObserver;
  /** Content was used. */
  readonly onUsed: (route: Route, kind: ContentKind, digest: Digest) => void;
}

/** A repository whose content comes from an upstream: from `cached` what is there, and everything else is fetched into it. */
export function createMirroredRepository(route: Route, cached: Repository, parts: MirrorParts): Repository {
  const deletions = route.upstream.deletable ? undefined : NO_DELETIONS;
  const repository: Repository = {
    name: cached.name,
    uploads: NO_UPLOADS,
    blobs: { ...blobsOf(route, cached, parts), ...NO_CHANGES.blobs, ...deletions?.blobs },
    manifests: { ...manifestsOf(route, cached, parts), ...NO_CHANGES.manifests, ...deletions?.manifests },
    tags: { ...tagsOf(route, cached, parts), ...NO_CHANGES.tags, ...deletions?.tags },
    referrers: { list: (subject, page) => parts.lists.referrers(route, subject, page) },
  };
  return route.upstream.hidden ? hideUpstream(repository) : repository;
}

function blobsOf(route: Route, { blobs }: Repository, { blobs: cache, observer, onUsed }: MirrorParts): BlobStore {
  const served = (digest: Digest, hit: boolean): void => {
    observer.asked?.("blob", hit);
    onUsed(route, "blob", digest);
  };
  return {
    ...blobs,
    stat: (digest, options) =>
      // Without `keep`: nobody pushes here, and a collector needn't wait.
      blobs.stat(digest, { signal: options?.signal }).catch((error: unknown) => {
        if (isStorageError(error, "BLOB_UNKNOWN")) return cache.stat(route, digest, options);
        throw error;
      }),
    open: async (digest, options) => {
      const cached = await orUnknown(blobs.open(digest, options));
      served(digest, cached !== undefined);
      const stream = cached ?? (await cache.open(route, digest, options));
      observer.pushed?.("blob", lengthOf(stream, options));
      return stream;
    },
    redirectUrl: async (digest, request, options) => {
      const url = await orUnknown(blobs.redirectUrl(digest, request, { signal: options?.signal }));
      if (url !== undefined) served(digest, true);
      return url;
    },
  };
}

function lengthOf(
  { size }: ContentStream,
  range: { readonly start?: number | undefined; readonly end?: number | undefined } = {},
): number {
  const { start = 0, end = size - 1 } = range;
  return Math.max(0, Math.min(size, end + 1) - start);
}

/** Undefined where the repository doesn't have the blob. */
async function orUnknown<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isStorageError(error, "BLOB_UNKNOWN")) return undefined;
    throw error;
  }
}

function manifestsOf(
  route: Route,
  { manifests }: Repository,
  { manifests: cache, observer, onUsed }: MirrorParts,
): ManifestStore {
  return {
    ...manifests,
    get: async (digest, options) => {
      const cached = await manifests.get(digest, options).catch((error: unknown) => {
        if (isStorageError(error, "MANIFEST_UNKNOWN")) return undefined;
        throw error;
      });
      observer.asked?.("manifest", cached !== undefined);
      onUsed(route, "manifest", digest);
      const manifest = cached ?? (await cache.fetch(route, digest, options));
      observer.pushed?.("manifest", manifest.bytes.length);
      return manifest;
    },
  };
}

function tagsOf(route: Route, { tags }: Repository, { manifests, lists }: MirrorParts): TagStore {
  return {
    ...tags,
    resolve: (tag, options) => manifests.resolve(route, tag, options),
    list: (page) => (route.upstream.tags === "cached" ? tags.list(page) : lists.tags(route, page)),
  };
}
