import { isDigest, isTagName, type Digest, type RepositoryName, type TagName } from "@longshore/storage";

/** What may have changed in a repository: some tags and manifests, or anything. */
export interface ChangeNote {
  readonly name: string;
  readonly items: readonly (TagName | Digest)[] | "all";
}

/** More than this are told as "all". */
const MAX_ITEMS = 20;

/** One line: the name, then each tag and digest, of which only digests have a colon. */
export function formatChange(name: RepositoryName, items: readonly (TagName | Digest)[] | "all"): string {
  return items === "all" || items.length > MAX_ITEMS ? name : [name, ...items].join(" ");
}

/** The inverse of {@link formatChange}. What it doesn't understand may be anything. */
export function parseChange(text: string): ChangeNote {
  const [name = "", ...words] = text.split(" ");
  const items = words.flatMap((word) => (isDigest(word) || isTagName(word) ? [word] : []));
  return { name, items: items.length === 0 || items.length < words.length ? "all" : items };
}
