import type { LinkName } from "../contract/caches.js";
import { layerLink, revisionLink, tagCurrentLink } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";

/** By what name caches know that `name` has the blob `digest`; the link holds what its bytes are stored under. */
export function blobLinkName(name: RepositoryName, digest: Digest): LinkName {
  return { kind: "blob", path: layerLink(name, digest) };
}

/** Likewise for a manifest. */
export function manifestLinkName(name: RepositoryName, digest: Digest): LinkName {
  return { kind: "manifest", path: revisionLink(name, digest) };
}

/** By what name caches know where a tag points to. */
export function tagLinkName(name: RepositoryName, tag: TagName): LinkName {
  return { kind: "tag", path: tagCurrentLink(name, tag) };
}
