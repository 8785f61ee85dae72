import type { DescriptorCache } from "../contract/caches.js";
import type { StorageDriver } from "../contract/driver.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";
import type { ManifestValidation } from "../store/validation.js";

/** What can be wrong, for programs that read the report. */
export type FindingKind =
  | "blob-damaged"
  | "blob-unreadable"
  | "layer-link"
  | "layer-link-dangling"
  | "manifest-link"
  | "manifest-missing"
  | "manifest-incomplete"
  | "tag-link"
  | "tag-dangling"
  | "tag-leftover"
  | "referrer-missing"
  | "referrer-stale"
  | "name-invalid"
  | "check";

/** Something that isn't as it should be. */
export interface Finding {
  readonly kind: FindingKind;
  /** False for what does no harm, such as leftovers of a process that was killed. */
  readonly damage: boolean;
  readonly repository?: RepositoryName | undefined;
  readonly digest?: Digest | undefined;
  readonly tag?: TagName | undefined;
  /** What is wrong, and what to do about it. */
  readonly message: string;
  readonly action?: "quarantined" | "repaired" | undefined;
}

/** A finding that can be repaired without losing anything. */
export interface Repairable extends Finding {
  readonly repair?: (() => Promise<void>) | undefined;
}

/** A check of something else that belongs to each repository, such as an index. */
export interface RepositoryCheck {
  /** What it checks, for messages. */
  readonly name: string;
  readonly run: (name: RepositoryName, driver: StorageDriver) => Promise<readonly Repairable[]>;
}

/** How far a scrub has come. */
export interface ScrubProgress {
  readonly phase: "blobs" | "repositories";
  /** Of the blobs' names, which are spread evenly (0 to 1); undefined for repositories. */
  readonly fraction: number | undefined;
  readonly blobs: number;
  readonly bytes: number;
  readonly repositories: number;
  readonly damaged: number;
}

/** Notified while a scrub runs. Must be cheap and never throw. */
export interface ScrubObserver {
  finding?(finding: Finding): void;
  progress?(progress: ScrubProgress): void;
}

export interface ScrubOptions {
  /** Bytes of blobs that are read in a second, at most; unlimited by default. */
  readonly rate?: number | undefined;
  /** Moves damaged blobs aside, so that the next push of them is taken. */
  readonly quarantine?: boolean | undefined;
  /** Repairs what follows from other files: links that are cut off, entries of referrers, leftovers. */
  readonly repair?: boolean | undefined;
  /** Begins anew, even if an earlier scrub was interrupted. */
  readonly restart?: boolean | undefined;
  /** What a manifest may lack; the rules for pushes by default. */
  readonly validation?: ManifestValidation | undefined;
  /** Whether a repository is a cache, which fetches on demand what its manifests refer to. */
  readonly isCache?: ((name: RepositoryName) => boolean) | undefined;
  readonly checks?: readonly RepositoryCheck[] | undefined;
  /** Told of blobs that are moved aside. */
  readonly descriptors?: Pick<DescriptorCache, "delete"> | undefined;
  readonly observer?: ScrubObserver | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Blobs that are read concurrently; 2 by default. */
  readonly concurrency?: number | undefined;
  /** How long a suspicion waits before it is looked at again (ms); a second by default. */
  readonly patience?: number | undefined;
}

/** What a scrub found, over all its parts if it was interrupted. */
export interface ScrubResult {
  readonly blobs: number;
  readonly bytes: number;
  readonly repositories: number;
  readonly manifests: number;
  readonly tags: number;
  /** Findings that are damage. */
  readonly damaged: number;
  readonly quarantined: number;
  readonly repaired: number;
  /** All findings; beyond 1000 they are only counted. */
  readonly findings: readonly Finding[];
  readonly unlisted: number;
  /** Whether it continued one that was interrupted. */
  readonly resumed: boolean;
}
