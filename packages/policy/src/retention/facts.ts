/** A tag, as far as retention is concerned. Times are in ms since 1970. */
export interface TagFact {
  readonly tag: string;
  readonly digest: string;
  /** When it was last pointed to this digest. */
  readonly pushed: number;
  /** When it was last pulled; undefined if that isn't known. */
  readonly pulled?: number | undefined;
}

/** A manifest of the repository. */
export interface ManifestFact {
  readonly digest: string;
  /** ms since 1970. */
  readonly pushed: number;
  /** The manifest that this one is about. */
  readonly subject?: string | undefined;
  /** Manifests that this index lists. */
  readonly children: readonly string[];
}

/** What is in a repository. */
export interface RepositoryFacts {
  readonly name: string;
  readonly tags: readonly TagFact[];
  readonly manifests: readonly ManifestFact[];
  /** Since when pulls have been recorded (ms since 1970); undefined: they aren't. */
  readonly pullsSince: number | undefined;
}
