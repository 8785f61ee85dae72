import { parseDigest, type Digest } from "./digest.js";
import { parseTagName, type TagName } from "./tag.js";

/** How a request names a manifest (distribution-spec §Pulling manifests). */
export type Reference =
  { readonly kind: "tag"; readonly tag: TagName } | { readonly kind: "digest"; readonly digest: Digest };

/**
 * Parses a reference. Throws DIGEST_INVALID or TAG_INVALID. A tag has no colon, so a misspelt digest
 * is never looked up as a tag, as Distribution does, which then fails (wire contract §1.8).
 */
export function parseReference(text: string): Reference {
  return text.includes(":") ? { kind: "digest", digest: parseDigest(text) } : { kind: "tag", tag: parseTagName(text) };
}
