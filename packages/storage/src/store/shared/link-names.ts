import type { LinkName } from "../../contract/caches.js";
import { layerLink, revisionLink, tagCurrentLink } from "../../layout/paths.js";
import type { Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { TagName } from "../../model/tag.js";

/** The name in caches of a blob's link, which contains the digest that its bytes are stored under. */
export function blobLinkName(name: RepositoryName, digest: Digest): LinkName {
  return { kind: "blob", path: layerLink(name, digest) };
}

/** The name in caches of a manifest's link. */
export function manifestLinkName(name: RepositoryName, digest: Digest): LinkName {
  return { kind: "manifest", path: revisionLink(name, digest) };
}

/** The name in caches of a tag's link. */
export function tagLinkName(name: RepositoryName, tag: TagName): LinkName {
  return { kind: "tag", path: tagCurrentLink(name, tag) };
}
