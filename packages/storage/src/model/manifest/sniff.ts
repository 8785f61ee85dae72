import { DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, isManifestMediaType, OCI_INDEX, OCI_MANIFEST } from "../media-types.js";
import { member, parseJsonObject } from "./json.js";

/**
 * The media type that stored `bytes` are served with (wire contract §1.8): their own, else what their shape says. A stored
 * schema 1 manifest gets its type, so that old data can be pulled as it is. Throws MANIFEST_INVALID for what is no JSON.
 */
export function sniffMediaType(bytes: Uint8Array): string {
  const object = parseJsonObject(bytes);
  if (member(object, "schemaVersion") === 1) {
    return Array.isArray(member(object, "signatures")) ? DOCKER_SCHEMA1_SIGNED : DOCKER_SCHEMA1;
  }
  const named = member(object, "mediaType");
  if (typeof named === "string" && isManifestMediaType(named)) return named;
  return Array.isArray(member(object, "manifests")) ? OCI_INDEX : OCI_MANIFEST;
}
