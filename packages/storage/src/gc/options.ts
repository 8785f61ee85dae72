import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { Caches } from "../contract/caches.js";

/** Options of a collection. */
export interface CollectOptions {
  /** Nothing that was pushed, or requested by a client that pushes, within this time (ms) is removed. */
  readonly grace: number;
  /**
   * Also removes manifests that have no tag and that nothing else needs, once they are older than `age` (ms), which may be undefined
   * for some repositories; undefined disables this.
   */
  readonly deleteUntagged?: { readonly age: number | ((name: RepositoryName) => number | undefined) } | undefined;
  /** Reports what would be removed, and removes nothing. */
  readonly dryRun?: boolean | undefined;
  /** A directory of this machine, which no other collection uses at the same time. What is in it is removed first. */
  readonly workDirectory: string;
  readonly signal?: AbortSignal | undefined;
  readonly observer?: CollectObserver | undefined;
  /** Notified of removals. */
  readonly caches?: Pick<Caches, "links" | "descriptors"> | undefined;
  /**
   * Over object storage: how long the collection waits after it has taken the lock (ms), which must be longer than any process
   * relies on not having seen a collector; 12 seconds by default.
   */
  readonly lockWait?: number | undefined;
  /** Files that are processed concurrently; 16 by default. */
  readonly concurrency?: number | undefined;
}

/** The progress of a collection. */
export interface CollectProgress {
  readonly phase: "mark" | "look" | "sweep";
  /** Manifests marked, or blobs looked at or removed. */
  readonly done: number;
  /** How many there are; undefined while unknown. */
  readonly total: number | undefined;
  readonly freedBytes: number;
}

/** Notified of a collection's progress. Called often: must be cheap and never throw. */
export interface CollectObserver {
  /** A line of Distribution's output (wire contract §10.2). */
  line?(text: string): void;
  /** Something was removed. */
  removed?(what: string): void;
  /** A manifest that had no tag is gone. */
  manifestRemoved?(name: RepositoryName, digest: Digest): void;
  /** Something couldn't be parsed or removed; the collection continues. */
  problem?(text: string): void;
  progress?(progress: CollectProgress): void;
}

/** What a collection did, or would have done in a dry run. */
export interface CollectResult {
  /** Digests in use. */
  readonly marked: number;
  readonly eligibleBlobs: number;
  readonly eligibleManifests: number;
  readonly removedBlobs: number;
  readonly removedManifests: number;
  readonly removedLinks: number;
  readonly freedBytes: number;
  /** Blobs that nothing refers to, but that were pushed or requested by a pushing client within the grace period. */
  readonly young: number;
  readonly youngBytes: number;
  readonly problems: number;
}
