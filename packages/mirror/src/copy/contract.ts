import type { Descriptor, Digest, RepositoryName, TagName } from "@longshore/storage";
import type { FetchedManifest, Upstream, UpstreamBlob, UpstreamCall } from "../upstream/contract.js";

/** Where copies go: this registry's storage, or another registry. Every call ends with the signal's reason when it aborts. */
export interface CopyTarget {
  /** Undefined: there is no such tag. */
  resolveTag(name: RepositoryName, tag: TagName, call: UpstreamCall): Promise<Digest | undefined>;
  hasManifest(name: RepositoryName, digest: Digest, call: UpstreamCall): Promise<boolean>;
  /** Whether the repository has the blob, or has it now because it could be linked from another one. */
  hasBlob(name: RepositoryName, digest: Digest, call: UpstreamCall): Promise<boolean>;
  /** Stores a blob that has the digest; throws, and keeps nothing of it, if it has another. */
  putBlob(name: RepositoryName, blob: Descriptor, content: UpstreamBlob, call: UpstreamCall): Promise<void>;
  /** Stores a manifest whose blobs are there, and points `tag` to it. */
  putManifest(
    name: RepositoryName,
    manifest: FetchedManifest,
    tag: TagName | undefined,
    call: UpstreamCall,
  ): Promise<void>;
  /** Called with all referrers of `subject` after they were stored, for a target that doesn't find them by itself. */
  listReferrers(
    name: RepositoryName,
    subject: Digest,
    referrers: readonly Descriptor[],
    call: UpstreamCall,
  ): Promise<void>;
}

/** What to copy. */
export interface CopyRequest {
  readonly source: Upstream;
  readonly target: CopyTarget;
  /** Names of the source's repositories, or patterns (`*` and `?` stop at a slash, `**` doesn't), which need its catalog. */
  readonly repositories: readonly string[];
  /** Names or patterns of tags; or digests, which are copied without a tag. */
  readonly tags: readonly string[];
  /** The name at the target. Throws StorageError where there can be none. */
  rename(name: RepositoryName): RepositoryName;
  /** The tag at the target of the only one that is copied, or of a digest. */
  readonly renameTag?: TagName | undefined;
  /** Platforms of which images are copied; undefined: all. */
  readonly platforms: readonly WantedPlatform[] | undefined;
  readonly referrers: boolean;
  /** Looks at everything again, even where a tag already points to the same manifest. */
  readonly full: boolean;
  readonly dryRun: boolean;
  /** Tags, and blobs, at the same time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly observer?: CopyObserver | undefined;
}

/** `os/architecture` or `os/architecture/variant`. */
export interface WantedPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** How far a copy is. */
export interface CopyProgress {
  /** Tags that are dealt with, of those found so far. */
  readonly done: number;
  readonly found: number;
  /** Whether all repositories were looked through for tags. */
  readonly isComplete: boolean;
  readonly blobs: number;
  readonly bytes: number;
}

/** Notified of a copy as it goes on. */
export interface CopyObserver {
  progress?(progress: CopyProgress): void;
  /** A tag, or digest, was copied, or would be. */
  copied?(source: string, target: string): void;
  failed?(source: string, error: unknown): void;
  /** Nothing is asked for so many seconds, because the source wants a pause. */
  waiting?(seconds: number, reason: string): void;
}

/** What a copy did. */
export interface CopyResult {
  /** Tags that were copied; in a dry run, those that would be. */
  readonly copied: number;
  /** Tags that pointed to the same manifest already. */
  readonly unchanged: number;
  readonly failed: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** Something in a request or at the source can't be copied as it is asked for. `message` says what to do. */
export class CopyError extends Error {
  override readonly name = "CopyError";
}
