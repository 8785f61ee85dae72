import { splitDigest, type Digest, type TagName } from "@longshore/storage";
import { fallbackTag } from "../upstream/referrers.js";

/** `sha256-<hex>` is a fallback tag (distribution-spec §Referrers Tag Schema); with an ending it is cosign's signature, and the like. */
const ATTACHED = /^(?:sha256|sha384|sha512)-[a-f0-9]{64,128}(?:\..+)?$/;

/** Whether a tag belongs to a manifest that its name tells, and isn't one that people gave. */
export function isAttachedTag(tag: string): boolean {
  return ATTACHED.test(tag);
}

/** The tags that are attached to `digest`, without the fallback tag, which is no content of its own: its entries are copied as referrers. */
export function attachedTags(digest: Digest, tags: readonly TagName[]): readonly TagName[] {
  const { algorithm, hex } = splitDigest(digest);
  const fallback = fallbackTag(digest);
  return tags.filter((tag) => tag.startsWith(`${algorithm}-${hex}.`) && tag !== fallback);
}
