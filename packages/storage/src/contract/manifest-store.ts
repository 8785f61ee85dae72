import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import type { Manifest } from "../model/manifest/manifest.js";
import type { TagName } from "../model/tag.js";
import type { CallOptions } from "./driver.js";
import type { Page, PageRequest } from "./tag-store.js";

/** A manifest as it was pushed. */
export interface StoredManifest {
  readonly digest: Digest;
  /** The type that it is served with: its own `mediaType`, or one inferred from its fields. */
  readonly mediaType: string;
  /** Verbatim. */
  readonly bytes: Uint8Array;
}

/** The push of a manifest. */
export interface ManifestPush {
  readonly bytes: Uint8Array;
  /** The Content-Type without parameters. */
  readonly mediaType: string;
  /** The digest it must have; the canonical one is computed if absent. Mismatch throws DIGEST_MISMATCH. */
  readonly digest?: Digest | undefined;
  readonly tags: readonly TagName[];
  /** Classes that the client may push here; undefined if none was granted by class (wire contract §11.2). */
  readonly grantedClasses?: readonly string[] | undefined;
  /**
   * What it refers to may be missing, and no policy applies: for a cache, which fetches the parts of a manifest on demand, and
   * doesn't decide on its own content.
   */
  readonly incomplete?: boolean | undefined;
}

/** Options of a push. */
export interface PushOptions extends CallOptions {
  /** Called with what a person who pushes should know although the push succeeds, such as a quota that is nearly used up. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** The result of a push. */
export interface PushedManifest {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** Its subject, whose referrers now include it. */
  readonly subject?: Digest | undefined;
}

/** A repository's manifests. */
export interface ManifestStore {
  /**
   * Throws MANIFEST_UNKNOWN, also if the revision is linked but its bytes are gone. `tagged`: a tag of this repository that was
   * just read points to it, which saves a call to the storage.
   */
  get(digest: Digest, options?: CallOptions & { readonly tagged?: boolean }): Promise<StoredManifest>;
  /**
   * Parses the manifest, checks that everything it refers to exists (as far as validation requires), stores, links and tags it,
   * and lists it as a referrer of its subject; durable when it resolves. Throws MANIFEST_INVALID, DIGEST_MISMATCH,
   * MANIFEST_REFERENCES_UNKNOWN, MANIFEST_CLASS_DENIED, TAG_IMMUTABLE; then nothing has changed, except where another push
   * takes an immutable tag at the same moment: then the manifest is there without it.
   */
  put(push: ManifestPush, options?: PushOptions): Promise<PushedManifest>;
  /**
   * Whether there is a link to the revision, even if that is damaged or the bytes are missing: false means that it was deleted, or
   * never pushed. Asks the storage, and no cache.
   */
  isLinked(digest: Digest, options?: CallOptions): Promise<boolean>;
  /** A page of the digests of its manifests, tagged or not, ascending by bytes; empty if there are none. */
  list(page?: PageRequest): Promise<Page<Digest>>;
  /** Removes the revision, every tag that points to it, and its entry as a referrer. Throws MANIFEST_UNKNOWN, TAG_IMMUTABLE. */
  delete(digest: Digest, options?: CallOptions): Promise<{ readonly removedTags: readonly TagName[] }>;
}
