import type { Upstream } from "./upstream/contract.js";

/** Whether a text matches. Takes time that is linear in its length. */
export interface NamePattern {
  test(text: string): boolean;
}

/** An upstream as the cache uses it. Durations in milliseconds. */
export interface MirroredUpstream {
  /** What it is called in metrics, health and logs. */
  readonly label: string;
  /** The first segments of its repositories' names here; empty where every repository is its. */
  readonly prefix: string;
  /** The hosts that containerd's `ns` parameter names it by. */
  readonly hosts: readonly string[];
  readonly client: Upstream;
  /** Docker Hub: repositories of one segment are below `library/`. */
  readonly isHub: boolean;
  /** Repositories, by their names at the upstream, that may be mirrored: one of `allow` where there are any, none of `deny`. */
  readonly allow: readonly NamePattern[];
  readonly deny: readonly NamePattern[];
  /**
   * For how long a tag that was compared with the upstream's needs no other comparison, and the upstream's catalog isn't read
   * again; 0: each use asks.
   */
  readonly freshness: number;
  /** What happens to a tag that the upstream no longer has: it is still served, or it goes here, too. */
  readonly missing: "keep" | "follow";
  /** What `tags/list` lists: what is cached, or what the upstream has. */
  readonly tags: "cached" | "upstream";
  /** Which of its repositories `_catalog` lists: those that are cached, or also those that the upstream lists. */
  readonly catalog: "cached" | "upstream";
  /** The largest blob that is fetched, in bytes; 0: no limit. */
  readonly maxBlobBytes: number;
  /** Keeps the upstream's name and reasons from clients. */
  readonly hidden: boolean;
  /** Whether clients may delete what is cached. */
  readonly deletable: boolean;
}

/** The two kinds of content that Distribution's metrics tell apart. */
export type ContentKind = "blob" | "manifest";

/** Notified of what the cache does, for metrics and logs. */
export interface MirrorObserver {
  /** A client asked for content; a hit needed nothing from the upstream but, for a tag, a comparison. */
  readonly asked?: ((kind: ContentKind, hit: boolean) => void) | undefined;
  /** Bytes that came from an upstream. */
  readonly pulled?: ((kind: ContentKind, bytes: number) => void) | undefined;
  /** Bytes that a client was sent. */
  readonly pushed?: ((kind: ContentKind, bytes: number) => void) | undefined;
  /** A client was given what may be out of date. */
  readonly stale?: ((upstream: string, error: Error) => void) | undefined;
  /** An upstream's repositories couldn't be listed, and the catalog has only those that are cached. */
  readonly unlisted?: ((upstream: string, error: Error) => void) | undefined;
  /** Content was served and couldn't be stored. */
  readonly notStored?: ((upstream: string, kind: ContentKind, error: unknown) => void) | undefined;
  /** A download from the upstream ended: stored; served and not stored; or failed. */
  readonly downloaded?: ((upstream: string, isStored: boolean, error: Error | undefined) => void) | undefined;
  /** A client joined a download that was under way. */
  readonly joined?: ((upstream: string) => void) | undefined;
  /** Content was removed: it expired, or its room was needed. */
  readonly evicted?: ((reason: "expired" | "room", manifests: number, bytes: number) => void) | undefined;
}
