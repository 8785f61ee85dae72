/** Media types of manifests that can be pushed (wire contract §1.8). */
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

/** Schema 1, which is served if it is stored, and never accepted. */
export const DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json";
export const DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/** Any content. */
export const OCTET_STREAM = "application/octet-stream";

/** The media type of an image manifest. */
export type ImageMediaType = typeof DOCKER_MANIFEST | typeof OCI_MANIFEST;
/** The media type of an index or manifest list. */
export type IndexMediaType = typeof DOCKER_MANIFEST_LIST | typeof OCI_INDEX;
/** The media type of a manifest that can be pushed. */
export type ManifestMediaType = ImageMediaType | IndexMediaType;

/** Whether manifests of this type can be pushed. */
export function isManifestMediaType(text: string): text is ManifestMediaType {
  return isImageMediaType(text) || isIndexMediaType(text);
}

export function isImageMediaType(text: string): text is ImageMediaType {
  return text === DOCKER_MANIFEST || text === OCI_MANIFEST;
}

export function isIndexMediaType(text: string): text is IndexMediaType {
  return text === DOCKER_MANIFEST_LIST || text === OCI_INDEX;
}

/** How a layer's URLs and presence are checked (wire contract §11.1). */
export interface LayerRule {
  /** `required`: it must have some; `checked`: those it has must be allowed; `ignored`: they aren't checked. */
  readonly urls: "required" | "checked" | "ignored";
  /** Whether the blob must exist here: always, never, or only if the layer has no URL. */
  readonly presence: "always" | "never" | "without-urls";
}

const NONDISTRIBUTABLE: LayerRule = { urls: "checked", presence: "without-urls" };
const DISTRIBUTABLE: LayerRule = { urls: "checked", presence: "always" };
const OTHER: LayerRule = { urls: "ignored", presence: "always" };

const LAYER_RULES: ReadonlyMap<string, LayerRule> = new Map([
  ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", { urls: "required", presence: "never" }],
  ["application/vnd.oci.image.layer.nondistributable.v1.tar", NONDISTRIBUTABLE],
  ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", NONDISTRIBUTABLE],
  ["application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", NONDISTRIBUTABLE],
  ["application/vnd.oci.image.layer.v1.tar", DISTRIBUTABLE],
  ["application/vnd.oci.image.layer.v1.tar+gzip", DISTRIBUTABLE],
]);

/** The rule for layers of `mediaType`. */
export function layerRule(mediaType: string): LayerRule {
  return LAYER_RULES.get(mediaType) ?? OTHER;
}
