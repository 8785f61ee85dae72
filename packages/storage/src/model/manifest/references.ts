import type { Descriptor } from "../descriptor.js";
import { layerRule } from "../media-types.js";
import type { Manifest } from "./manifest.js";

/** Something that a manifest refers to. A subject isn't among them: it may be pushed later (distribution-spec §Push). */
export interface ManifestReference {
  readonly role: "config" | "layer" | "child";
  /** Where it is to be found: among the repository's blobs, or its manifests. */
  readonly kind: "blob" | "manifest";
  readonly descriptor: Descriptor;
  /** Whether it must be there when the manifest is pushed (contract §11.1); a child as far as the options ask for it. */
  readonly required: boolean;
}

/** What `manifest` refers to, in its order. */
export function referencesOf(manifest: Manifest): readonly ManifestReference[] {
  if (manifest.kind === "index") {
    return manifest.manifests.map((descriptor) => ({ role: "child", kind: "manifest", descriptor, required: true }));
  }
  const config: ManifestReference = { role: "config", kind: "blob", descriptor: manifest.config, required: true };
  return [config, ...manifest.layers.map(layerReference)];
}

function layerReference(descriptor: Descriptor): ManifestReference {
  const { presence } = layerRule(descriptor.mediaType);
  const elsewhere = (descriptor.urls ?? []).length > 0;
  const required = presence === "always" || (presence === "without-urls" && !elsewhere);
  return { role: "layer", kind: "blob", descriptor, required };
}
