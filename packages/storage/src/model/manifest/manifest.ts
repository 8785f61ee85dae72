import type { Descriptor } from "../descriptor.js";
import type { Digest } from "../digest.js";
import type { ImageMediaType, IndexMediaType } from "../media-types.js";

interface Common {
  /**
   * What kind of artifact it is (image specification, manifest.md §artifactType): its own `artifactType`, else an image's
   * `config.mediaType`. Absent for an index that names none.
   */
  readonly artifactType?: string;
  /** The manifest that this one is about (image specification, manifest.md §subject). OCI types only. */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Docker schema 2 or an OCI image manifest. */
export interface ImageManifest extends Common {
  readonly kind: "image";
  readonly mediaType: ImageMediaType;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** A Docker manifest list or an OCI image index. */
export interface IndexManifest extends Common {
  readonly kind: "index";
  readonly mediaType: IndexMediaType;
  readonly manifests: readonly Descriptor[];
}

/** A manifest of one of the four types that can be pushed, with the fields that a registry acts on. */
export type Manifest = ImageManifest | IndexManifest;

/** How a referrers list names the manifest `digest` of `size` bytes (distribution-spec §Listing Referrers). */
export function describeManifest(manifest: Manifest, digest: Digest, size: number): Descriptor {
  return {
    mediaType: manifest.mediaType,
    digest,
    size,
    ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  };
}
