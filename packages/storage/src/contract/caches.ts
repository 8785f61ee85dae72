import type { Digest } from "../model/digest.js";
import type { CallOptions } from "./driver.js";

/** What a link stands for: a tag's current digest, or that a repository has a blob or a manifest. */
type LinkKind = "tag" | "blob" | "manifest";

/** A link by the path of its file. */
export interface LinkName {
  readonly kind: LinkKind;
  readonly path: string;
}

/** What is known about the bytes of a digest. */
export interface KnownBlob {
  /** Bytes. */
  readonly size: number;
  /** When the bytes were last changed or touched, as last read from the storage (ms since 1970); 0: unknown. */
  readonly modified: number;
}

/**
 * Caches links for all processes that share the cache (docs/protocols/redis-links.md §Links in Redis). It never claims that a
 * link doesn't exist, and its answers were true in the storage at some moment after the last acknowledged change.
 */
export interface LinkCache {
  /** The target of a link: from the cache, or as `read` finds it in the storage. Undefined if `read` finds no link. */
  through(link: LinkName, read: () => Promise<Digest | undefined>): Promise<Digest | undefined>;
  /**
   * Runs `work`, which changes or removes `links` in the storage, and resolves once no process can read their previous targets
   * from the cache; if the cache is unreachable, that takes as long as its entries live. `work` must announce other links before
   * it changes them. Creating a link is a change as well, if another process may create it at the same time. If `work` throws,
   * the links are forgotten before the error is passed on.
   */
  changing<T>(
    links: readonly LinkName[],
    work: (announce: (links: readonly LinkName[]) => Promise<void>) => Promise<T>,
    options?: CallOptions,
  ): Promise<T>;
}

/** Sizes of blobs by digest. Only a hint: it doesn't say whether a repository has the blob, and the bytes may be gone. */
export interface DescriptorCache {
  get(digest: Digest): Promise<KnownBlob | undefined>;
  /** Stores what the storage has just reported. */
  set(digest: Digest, blob: KnownBlob): void;
  /** Reports that the bytes are missing or being replaced. */
  delete(digest: Digest): void;
}

/** The bytes of manifests by digest, for all processes that share the cache. The reader must verify them. */
export interface SharedManifests {
  get(digest: Digest): Promise<Uint8Array | undefined>;
  set(digest: Digest, bytes: Uint8Array): void;
}

/** The caches of a process, in addition to the manifests in its own memory. */
export interface Caches {
  readonly links: LinkCache;
  readonly descriptors: DescriptorCache;
  readonly manifests: SharedManifests;
  /** Closes connections. Idempotent. */
  close(): Promise<void>;
}

/** Calls of a shared cache, by Distribution's names where it has one (wire contract §9.2), otherwise by ours. */
export type CacheOperation =
  | "Stat"
  | "SetDescriptor"
  | "RepoStat"
  | "RepoSetDescriptor"
  | "TagStat"
  | "TagSet"
  | "ManifestGet"
  | "ManifestSet"
  | "Limit"
  | "Publish"
  | "Invalidate";

/** Notified of what caches do. */
export interface CacheObserver {
  /** One lookup in a cache, and whether it was a hit. */
  readonly lookup?: ((hit: boolean) => void) | undefined;
  /** One call of the shared cache has ended, successfully or not. */
  readonly call?: ((operation: CacheOperation, seconds: number) => void) | undefined;
  /** One call of the shared cache failed, or wasn't made because the cache is unavailable. */
  readonly failed?: (() => void) | undefined;
  /** Whether the shared cache is available, and why not. Called on changes only. */
  readonly state?: ((available: boolean, reason: string) => void) | undefined;
}
