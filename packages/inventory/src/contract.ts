import type { CallOptions, Digest, Platform, RepositoryName, TagName } from "@longshore/storage";

/** One page of a sorted list. */
export interface InventoryPage<T> {
  readonly items: readonly T[];
  /** The `after` of the next page; undefined if this is the last one. Opaque. */
  readonly next: string | undefined;
  /** How many items match on all pages together. */
  readonly total: number;
}

/** The first page of a list. */
export interface FirstPage<T> extends Omit<InventoryPage<T>, "total"> {
  /** Undefined while it isn't known how many there are. */
  readonly total: number | undefined;
}

/** Which page of a list, and in which order. */
export interface InventoryQuery<Sort extends string> extends CallOptions {
  /** Only names that contain this text, in any case. */
  readonly search?: string | undefined;
  /** `name` by default. Items that are equal in it are sorted by name. */
  readonly sort?: Sort | undefined;
  /** Largest, newest or last name first. */
  readonly descending?: boolean | undefined;
  /** The `next` of the previous page. Throws CursorError if it isn't one of this list and order. */
  readonly after?: string | undefined;
  /** At most so many items; 50 by default. */
  readonly limit?: number | undefined;
}

/** `name` compares by bytes, `version` as version numbers: `1.9` before `1.10`, `1.10-rc1` before `1.10`. */
export const TAG_SORTS = ["name", "version", "pushed", "pulled", "created", "size"] as const;
export type TagSort = (typeof TAG_SORTS)[number];
export const REPOSITORY_SORTS = ["name", "pushed", "pulled", "tags", "size"] as const;
export type RepositorySort = (typeof REPOSITORY_SORTS)[number];

/**
 * Who used something, and when, as far as it was recorded (`inventory.activityinterval`). Other programs record nothing, and what
 * was unused for longest is forgotten: nothing may be deleted for their absence.
 */
export interface Activity {
  /** Who pushed it last. */
  readonly pushedBy?: string | undefined;
  /** The hour in which it was last pulled (ms since 1970). */
  readonly pulled?: number | undefined;
}

/** A repository that isn't empty. */
export interface RepositoryEntry extends Pick<Activity, "pulled"> {
  readonly name: RepositoryName;
  readonly tags: number;
  readonly manifests: number;
  /** Bytes of everything that its manifests refer to, and of themselves, each digest once, as their descriptors say. */
  readonly size: number;
  /** When a tag, or a manifest, was last pushed (ms since 1970). */
  readonly pushed: number;
}

/** What kind of thing refers to a manifest. */
export type ReferrerKind = "signature" | "sbom" | "attestation" | "other";

/** A manifest of a repository. */
export interface ManifestEntry extends Activity {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly artifactType?: string | undefined;
  /** Bytes of the manifest itself. */
  readonly bytes: number;
  /** Bytes of the manifest and of everything that it refers to, children included, each digest once. */
  readonly size: number;
  /** Its own platform, or those of its children; empty if nothing says so. */
  readonly platforms: readonly Platform[];
  /** When the image was built, as its config says (ms since 1970); of an index, the newest of its children. */
  readonly created?: number | undefined;
  /** When it was last pushed, or a push last relied on it (ms since 1970). */
  readonly pushed: number;
  /** The manifest that this one is about. */
  readonly subject?: Digest | undefined;
  /** Manifests that this index lists. */
  readonly children: readonly Digest[];
  /** Tags that point to it. */
  readonly tags: readonly TagName[];
}

/** A tag, with what is known of its manifest. */
export interface TagEntry extends Activity {
  readonly tag: TagName;
  readonly digest: Digest;
  /** When the tag was last pointed to this digest (ms since 1970). */
  readonly pushed: number;
  /**
   * Bytes that only this tag's manifest, and manifests below it, refer to in its repository. Tags of the same manifest share
   * all of theirs.
   */
  readonly uniqueSize: number;
  /** Undefined if the manifest is missing or can't be parsed. */
  readonly manifest: ManifestEntry | undefined;
}

/** A manifest that refers to another one, by `subject` or by cosign's tag `<alg>-<hex>.sig`, `.att` or `.sbom`. */
export interface ReferrerEntry {
  readonly kind: ReferrerKind;
  readonly digest: Digest;
  readonly artifactType?: string | undefined;
  readonly bytes: number;
  /** The tag of cosign's scheme; undefined for one that names its subject. */
  readonly tag?: TagName | undefined;
}

/** What the content below a prefix amounts to. */
export interface Usage {
  readonly repositories: number;
  readonly tags: number;
  /** Manifests and other blobs, each digest once however many repositories have it. */
  readonly manifests: number;
  readonly blobs: number;
  /** Bytes of these, each digest once: what they take in the storage. */
  readonly bytes: number;
  /** The sum of the repositories' sizes: what they would take if they shared nothing. */
  readonly logicalBytes: number;
}

/** What everything amounted to on a day. */
export interface UsagePoint extends Pick<Usage, "repositories" | "tags" | "bytes" | "logicalBytes"> {
  /** When the day began in UTC (ms since 1970). */
  readonly day: number;
}

/** How far counting is. */
export interface UsageProgress {
  /** The repository that is being read. */
  readonly name: RepositoryName;
  /** Repositories that were read, of so many. */
  readonly done: number;
  readonly total: number;
  /** Of its manifests; undefined while nothing has to be read. */
  readonly manifestsDone?: number | undefined;
  readonly manifestsTotal?: number | undefined;
}

/** Options of {@link Inventory.usage}. */
export interface UsageOptions extends CallOptions {
  /** Called before each repository is read, and meanwhile. */
  readonly onProgress?: ((progress: UsageProgress) => void) | undefined;
  /** Goes on only once what was read of a repository is written down, if this process writes: a command ends soon. */
  readonly thorough?: boolean | undefined;
}

/** Is told of what clients do, and writes it down later. Never throws, and costs next to nothing. */
export interface ActivityRecorder {
  /** `tag`: by which the client asked for the manifest; undefined if by its digest. */
  recordPull(name: RepositoryName, digest: Digest, tag: TagName | undefined): void;
  /** `account`: undefined or empty for a client that isn't logged in. */
  recordPush(name: RepositoryName, digest: Digest, tags: readonly TagName[], account: string | undefined): void;
}

/** Everything that a repository's tags and manifests amount to. Must not be modified. */
export interface RepositoryContents {
  /** Manifests, and the blobs that they refer to, with their bytes as descriptors say. */
  readonly parts: ReadonlyMap<Digest, number>;
  readonly tags: readonly TagName[];
  readonly manifests: number;
}

/** Decides by the name whether a repository may be shown. */
export type RepositoryFilter = (name: RepositoryName) => boolean;

/**
 * What the storage contains, kept ready for lists. Derived from the storage, and never asked
 * whether something may be served. Once a push or delete by this registry's processes and replicas is acknowledged, every answer
 * includes it; what another program changes on the same storage is noticed a little later. Throws StorageError if the storage
 * fails.
 */
export interface Inventory {
  /** A page of the repositories that `filter` lets through; all by default. */
  repositories(
    query?: InventoryQuery<RepositorySort> & { readonly filter?: RepositoryFilter | undefined },
  ): Promise<InventoryPage<RepositoryEntry>>;
  /**
   * The first `limit` (50 by default) repositories by name that `filter` lets through, as soon as these are known: before all others are,
   * without a total. `next` goes on in `repositories`.
   */
  firstRepositories(
    query?: CallOptions & { readonly filter?: RepositoryFilter | undefined; readonly limit?: number | undefined },
  ): Promise<FirstPage<RepositoryEntry>>;
  /** Undefined if the repository is empty. */
  repository(name: RepositoryName, options?: CallOptions): Promise<RepositoryEntry | undefined>;
  /** A page of a repository's tags; empty if there is no such repository. */
  tags(name: RepositoryName, query?: InventoryQuery<TagSort>): Promise<InventoryPage<TagEntry>>;
  /** All tags of a repository, in the order of their names. */
  allTags(name: RepositoryName, options?: CallOptions): Promise<readonly TagEntry[]>;
  /** All manifests of a repository, tagged or not, in the order of their digests. */
  allManifests(name: RepositoryName, options?: CallOptions): Promise<readonly ManifestEntry[]>;
  /** What refers to the manifest `subject`, in the order of digests. */
  referrers(name: RepositoryName, subject: Digest, options?: CallOptions): Promise<readonly ReferrerEntry[]>;
  /**
   * Since when each pull through this registry is known (ms since 1970); undefined: some may not be. What was pulled in the last minutes
   * may not be written down yet.
   */
  pullsSince(): Promise<number | undefined>;
  /**
   * What the repository `prefix` and those below `prefix/` amount to; everything without a prefix. Reads every repository that
   * changed since the last time.
   */
  usage(prefix?: string, options?: UsageOptions): Promise<Usage>;
  /** What `usage` without a prefix amounted to on the days on which somebody asked for it, oldest first. */
  history(): Promise<readonly UsagePoint[]>;
  /**
   * What each repository that is `prefix` or below it contains, one after the other. Every acknowledged change is included that was
   * made before the call.
   */
  contents(
    prefix: string,
    options?: CallOptions,
  ): AsyncIterable<RepositoryContents & { readonly name: RepositoryName }>;
}
