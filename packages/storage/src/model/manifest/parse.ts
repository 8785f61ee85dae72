import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  isImageMediaType,
  isManifestMediaType,
  OCI_INDEX,
  OCI_MANIFEST,
  type ImageMediaType,
  type IndexMediaType,
  type ManifestMediaType,
} from "../media-types.js";
import { checkUnambiguous } from "./ambiguous.js";
import { invalid, member, parseJsonObject, type JsonObject } from "./json.js";
import type { ImageManifest, IndexManifest, Manifest } from "./manifest.js";
import { parseAnnotations, parseDescriptor, parseDescriptors, text } from "./parse-descriptor.js";

/**
 * The manifest of type `mediaType` (a Content-Type without parameters) that `bytes` hold. Throws MANIFEST_INVALID in
 * Distribution's words (wire contract §1.8) where it has some. Unknown members are fine.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string): Manifest {
  const type = mediaType.toLowerCase();
  if (!isManifestMediaType(type)) {
    throw invalid(`unsupported manifest media type and no default available: ${mediaType}`);
  }
  const object = parseJsonObject(bytes);
  checkUnambiguous(bytes);
  checkShape(object, type);
  checkMediaType(object, type);
  checkSchemaVersion(object, type);
  return isImageMediaType(type) ? parseImage(object, type) : parseIndex(object, type);
}

/** A body that could be read as either kind is refused: readers would disagree about what was signed (CVE-2021-41190). */
function checkShape(object: JsonObject, type: ManifestMediaType): void {
  if (isImageMediaType(type)) {
    if (member(object, "manifests") !== undefined) throw invalid("ocimanifest: expected manifest but found index");
    return;
  }
  const isImage = member(object, "config") !== undefined || member(object, "layers") !== undefined;
  if (isImage) throw invalid("index: expected index but found manifest");
}

const MEDIA_TYPE_RULES: Record<ManifestMediaType, { readonly text: string; readonly optional: boolean }> = {
  [DOCKER_MANIFEST]: { text: "mediaType in manifest", optional: false },
  [DOCKER_MANIFEST_LIST]: { text: "mediaType in manifest list", optional: false },
  [OCI_MANIFEST]: { text: "if present, mediaType in manifest", optional: true },
  [OCI_INDEX]: { text: "if present, mediaType in image index", optional: true },
};

function checkMediaType(object: JsonObject, type: ManifestMediaType): void {
  const found = text(object, "mediaType") ?? "";
  const rule = MEDIA_TYPE_RULES[type];
  if (found === type || (found === "" && rule.optional)) return;
  throw invalid(`${rule.text} should be '${type}' not '${found}'`);
}

function checkSchemaVersion(object: JsonObject, type: ManifestMediaType): void {
  const version = member(object, "schemaVersion") ?? 0;
  if (version === 2) return;
  const found = typeof version === "number" ? String(version) : JSON.stringify(typeof version);
  throw isImageMediaType(type)
    ? invalid(`unrecognized manifest schema version ${found}`)
    : invalid(`unrecognized manifest list schema version ${found}, expected 2`);
}

function parseImage(object: JsonObject, mediaType: ImageMediaType): ImageManifest {
  const config = parseDescriptor(member(object, "config"), "config");
  return {
    kind: "image",
    mediaType,
    config,
    layers: parseDescriptors(object, "layers"),
    ...common(object, mediaType, config.mediaType),
  };
}

function parseIndex(object: JsonObject, mediaType: IndexMediaType): IndexManifest {
  return {
    kind: "index",
    mediaType,
    manifests: parseDescriptors(object, "manifests"),
    ...common(object, mediaType, undefined),
  };
}

function common(object: JsonObject, mediaType: ManifestMediaType, fallbackType: string | undefined) {
  const isOci = mediaType === OCI_MANIFEST || mediaType === OCI_INDEX;
  const named = text(object, "artifactType") ?? "";
  const artifactType = named === "" ? (fallbackType ?? "") : named;
  const annotations = parseAnnotations(object);
  const subject = isOci ? member(object, "subject") : undefined;
  return {
    ...(artifactType === "" ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(subject === undefined ? {} : { subject: parseDescriptor(subject, "subject") }),
  };
}
