import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import type { Manifest } from "../model/manifest/manifest.js";
import type { TagName } from "../model/tag.js";
import type { CallOptions } from "./driver.js";

/** A manifest as it was pushed. */
export interface StoredManifest {
  readonly digest: Digest;
  /** The type that it is served with: its own `mediaType`, or what its shape says. */
  readonly mediaType: string;
  /** Verbatim. */
  readonly bytes: Uint8Array;
}

/** What a push of a manifest asks for. */
export interface ManifestPush {
  readonly bytes: Uint8Array;
  /** The Content-Type without parameters. */
  readonly mediaType: string;
  /** The digest it must have; the canonical one is computed where absent. Mismatch throws DIGEST_MISMATCH. */
  readonly digest?: Digest | undefined;
  readonly tags: readonly TagName[];
  /** Classes that the client may push here; undefined where nobody granted by class (contract §11.2). */
  readonly grantedClasses?: readonly string[] | undefined;
}

/** What became of a push. */
export interface PushedManifest {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** The subject it names, now with this referrer in its list. */
  readonly subject?: Digest | undefined;
}

/** A repository's manifests. */
export interface ManifestStore {
  /**
   * Throws MANIFEST_UNKNOWN, also where the revision is linked but its bytes are gone. `tagged`: a tag of this repository was
   * read just now and points to it, which spares a question to the storage.
   */
  get(digest: Digest, options?: CallOptions & { readonly tagged?: boolean }): Promise<StoredManifest>;
  /**
   * Parses, verifies (everything it refers to is here, as far as validation asks), stores, links, tags, and lists it with
   * its subject; durable when it resolves. Throws MANIFEST_INVALID, DIGEST_MISMATCH, MANIFEST_REFERENCES_UNKNOWN,
   * MANIFEST_CLASS_DENIED; then nothing has changed.
   */
  put(push: ManifestPush, options?: CallOptions): Promise<PushedManifest>;
  /** Takes the revision, every tag that points to it, and its entry with its subject away. Throws MANIFEST_UNKNOWN. */
  delete(digest: Digest, options?: CallOptions): Promise<{ readonly removedTags: readonly TagName[] }>;
}
