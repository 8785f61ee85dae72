import type { Descriptor } from "../descriptor.js";
import { DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, isManifestMediaType, layerRule } from "../media-types.js";
import type { Manifest } from "./manifest.js";

/** Something that a manifest refers to. A subject isn't among them: it may be pushed later (distribution-spec §Push). */
export interface ManifestReference {
  readonly role: "config" | "layer" | "child";
  /** Where it is to be found: among the repository's blobs, its manifests, or in either of them. */
  readonly kind: "blob" | "manifest" | "either";
  readonly descriptor: Descriptor;
  /** Whether it must be there when the manifest is pushed (wire contract §11.1); a child as far as the options ask for it. */
  readonly required: boolean;
}

/** What `manifest` refers to, in its order. */
export function referencesOf(manifest: Manifest): readonly ManifestReference[] {
  if (manifest.kind === "index") {
    return manifest.manifests.map(childReference);
  }
  const config: ManifestReference = { role: "config", kind: "blob", descriptor: manifest.config, required: true };
  return [config, ...manifest.layers.map(layerReference)];
}

/**
 * BuildKit's registry cache is an index of layers. Only the media type can tell: a child that calls itself a manifest has to
 * be one, since clients will ask for it as a manifest.
 */
function childReference(descriptor: Descriptor): ManifestReference {
  const { mediaType } = descriptor;
  const isManifest =
    isManifestMediaType(mediaType) || mediaType === DOCKER_SCHEMA1 || mediaType === DOCKER_SCHEMA1_SIGNED;
  return { role: "child", kind: isManifest ? "manifest" : "either", descriptor, required: true };
}

function layerReference(descriptor: Descriptor): ManifestReference {
  const { presence } = layerRule(descriptor.mediaType);
  const elsewhere = (descriptor.urls ?? []).length > 0;
  const required = presence === "always" || (presence === "without-urls" && !elsewhere);
  return { role: "layer", kind: "blob", descriptor, required };
}
