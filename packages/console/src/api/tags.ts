import { digest, flag, list, number, object, optional, tagName, text, type Decoded } from "./decode.js";
import { ask } from "./http.js";
import type { Page } from "./page.js";
import { repositoryPath } from "./paths.js";

export const platform = object({
  os: optional(text),
  architecture: optional(text),
  variant: optional(text),
  osVersion: optional(text),
});

const tag = object({
  tag: tagName,
  digest,
  pushed: text,
  pushedBy: optional(text),
  pulled: optional(text),
  uniqueSize: number,
  mediaType: optional(text),
  artifactType: optional(text),
  size: optional(number),
  platforms: optional(list(platform)),
  created: optional(text),
  immutable: optional(text),
});
export type Tag = Decoded<typeof tag>;

const page = object({ tags: list(tag), total: number, next: optional(text) });

const removal = object({
  dryRun: flag,
  removed: list(object({ tag: tagName, digest })),
  kept: list(object({ tag: tagName, digest: optional(digest), reason: text })),
});
/** What a deletion of tags did, or would do. */
export type TagRemoval = Decoded<typeof removal>;

export const TAG_ORDERS = ["pushed", "name", "version", "created", "pulled", "size"] as const;
type TagOrder = (typeof TAG_ORDERS)[number];

export interface TagQuery {
  readonly search: string;
  readonly sort: TagOrder;
  readonly isDescending: boolean;
}

function pathOf(name: string): string {
  return repositoryPath(name, "_longshore", "repository", "tags");
}

/** The most items that the API puts into a page. */
const MOST = 1000;

export async function listTags(
  name: string,
  { search, sort, isDescending }: TagQuery,
  n: number,
  last: string | undefined,
  signal?: AbortSignal,
): Promise<Page<Tag>> {
  const query = { search: search === "" ? undefined : search, sort, descending: isDescending || undefined, n, last };
  const { tags, total, next } = await ask(pathOf(name), page, { query, signal });
  return { items: tags, total, next };
}

/** Every tag of a repository. */
export async function allTags(name: string, signal?: AbortSignal): Promise<readonly Tag[]> {
  const tags: Tag[] = [];
  let last: string | undefined;
  do {
    const found = await listTags(name, { search: "", sort: "name", isDescending: false }, MOST, last, signal);
    tags.push(...found.items);
    last = found.next;
  } while (last !== undefined);
  return tags;
}

/** Deletes one tag; its manifest stays, and so do the other tags of it. A tag has no character that stands for others. */
export function deleteTag(name: string, match: string, isDryRun: boolean): Promise<TagRemoval> {
  const query = { match, dryrun: isDryRun };
  return ask(pathOf(name), removal, { method: "DELETE", query });
}
