import type { Digest } from "../model/digest.js";
import type { CallOptions } from "./driver.js";

/** What a link stands for: a tag's current digest, or that a repository has a blob or a manifest. */
type LinkKind = "tag" | "blob" | "manifest";

/** A link by the path of its file. */
export interface LinkName {
  readonly kind: LinkKind;
  readonly path: string;
}

/** What is known of the bytes behind a digest. */
export interface KnownBlob {
  /** Bytes. */
  readonly size: number;
  /** When the bytes were last changed or touched, as the storage said when it was last asked (ms since 1970); 0: unknown. */
  readonly modified: number;
}

/**
 * What links say, remembered for all processes that share the cache (docs/architecture.md §Caches). It never says that a link
 * isn't there, and what it says was true in the storage at some moment after the last change that was acknowledged.
 */
export interface LinkCache {
  /** What the link holds: as remembered, or as `read` finds it in the storage. Undefined where `read` finds no link. */
  through(link: LinkName, read: () => Promise<Digest | undefined>): Promise<Digest | undefined>;
  /**
   * Runs `work`, which changes or removes `links` in the storage, and resolves when no process can be told any more what they
   * said before; with the cache out of reach that takes as long as its entries live. `work` announces further links before it
   * changes them. A link that is written where none was is a change, too, where another may be written at the same time.
   * What `work` throws is thrown, then also after the links were forgotten.
   */
  changing<T>(
    links: readonly LinkName[],
    work: (announce: (links: readonly LinkName[]) => Promise<void>) => Promise<T>,
    options?: CallOptions,
  ): Promise<T>;
}

/** Sizes of blobs by digest. A hint: whether a repository has the blob is asked elsewhere, and the bytes may be gone. */
export interface DescriptorCache {
  get(digest: Digest): Promise<KnownBlob | undefined>;
  /** Keeps what the storage said just now. */
  set(digest: Digest, blob: KnownBlob): void;
  /** The bytes were found missing, or are being replaced. */
  delete(digest: Digest): void;
}

/** Manifests' bytes by digest, for all processes that share the cache. The reader verifies what it gets. */
export interface SharedManifests {
  get(digest: Digest): Promise<Uint8Array | undefined>;
  set(digest: Digest, bytes: Uint8Array): void;
}

/** The caches of a process beside the manifests that it remembers itself. */
export interface Caches {
  readonly links: LinkCache;
  readonly descriptors: DescriptorCache;
  readonly manifests: SharedManifests;
  /** Ends connections. Idempotent. */
  close(): Promise<void>;
}

/** Calls of a shared cache, by the original's names where it has one (contract §9.2), otherwise by ours. */
export type CacheOperation =
  | "Stat"
  | "SetDescriptor"
  | "RepoStat"
  | "RepoSetDescriptor"
  | "TagStat"
  | "TagSet"
  | "ManifestGet"
  | "ManifestSet"
  | "Invalidate";

/** Told of what caches do. */
export interface CacheObserver {
  /** One question to a cache, and whether it knew the answer. */
  readonly lookup?: ((hit: boolean) => void) | undefined;
  /** One call of the shared cache is over, well or badly. */
  readonly call?: ((operation: CacheOperation, seconds: number) => void) | undefined;
  /** One call of the shared cache failed, or wasn't made since it would have. */
  readonly failed?: (() => void) | undefined;
  /** The shared cache can be used from now on, or can't, and why. Told on changes alone. */
  readonly state?: ((available: boolean, reason: string) => void) | undefined;
}
