import type { Caches } from "../contract/caches.js";

/** What a collection is to do. */
export interface CollectOptions {
  /** Nothing that was pushed, or asked for by a pusher, within this time (ms) is removed. */
  readonly grace: number;
  /** Also removes manifests that no tag leads to and nothing kept needs; undefined: it doesn't. */
  readonly deleteUntagged?: { readonly age: number } | undefined;
  /** Tells what would be removed and removes nothing. */
  readonly dryRun?: boolean | undefined;
  /** A directory of this machine, which no other collection uses at the same time. */
  readonly workDirectory: string;
  /** Tells this storage from others that used the same work directory: an interrupted collection of it is gone on with. */
  readonly identity?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly observer?: CollectObserver | undefined;
  /** What is told that something is gone. */
  readonly caches?: Pick<Caches, "links" | "descriptors"> | undefined;
  /**
   * Over object storage: for how long nothing is done after the lock is taken (ms), longer than any process relies on not
   * having seen a collector; 12 seconds where absent.
   */
  readonly lockWait?: number | undefined;
  /** Files that are worked on side by side; 16 where absent. */
  readonly concurrency?: number | undefined;
}

/** Where a collection is. */
export interface CollectProgress {
  readonly phase: "mark" | "look" | "sweep";
  /** Manifests marked, or blobs looked at or removed. */
  readonly done: number;
  /** Of how many; undefined while nobody knows. */
  readonly total: number | undefined;
  readonly freedBytes: number;
}

/** Told of what a collection does. Called often: cheap, and never throws. */
export interface CollectObserver {
  /** A line of the original's output (contract §10.2). */
  line?(text: string): void;
  /** Something was removed for good. */
  removed?(what: string): void;
  /** Something couldn't be understood or removed; the collection goes on. */
  problem?(text: string): void;
  progress?(progress: CollectProgress): void;
}

/** What a collection did, or would have done. */
export interface CollectResult {
  /** Digests in use. */
  readonly marked: number;
  readonly eligibleBlobs: number;
  readonly eligibleManifests: number;
  readonly removedBlobs: number;
  readonly removedManifests: number;
  readonly removedLinks: number;
  readonly freedBytes: number;
  /** Blobs that nothing refers to and that stay since they, or a push's interest in them, are younger than the grace period. */
  readonly young: number;
  readonly youngBytes: number;
  readonly problems: number;
  /** Whether an interrupted collection was gone on with. */
  readonly resumed: boolean;
}
