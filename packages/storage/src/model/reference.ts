import { parseDigest, type Digest } from "./digest.js";
import { parseTagName, type TagName } from "./tag.js";

/** What a manifest is asked for by (distribution-spec §Pulling manifests). */
export type Reference =
  { readonly kind: "tag"; readonly tag: TagName } | { readonly kind: "digest"; readonly digest: Digest };

/**
 * The reference that `text` spells. Throws DIGEST_INVALID or TAG_INVALID. A tag has no colon, so that a misspelt digest
 * is never looked up as a tag, which the original does and fails with (contract §1.8).
 */
export function parseReference(text: string): Reference {
  return text.includes(":") ? { kind: "digest", digest: parseDigest(text) } : { kind: "tag", tag: parseTagName(text) };
}
