import { LRUCache } from "lru-cache";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";

/** Tags that are remembered: some 200 bytes each. */
const MAX_TAGS = 100_000;

/**
 * Tags whose directory was seen to hold a current link. While the directory is listed they are tags: whoever deletes one
 * removes it whole, so that listing a page needs no look into each. Says nothing about where a tag points to, nor whether
 * its directory is still there; a delete that a crash cut short shows until somebody asks for the tag.
 */
export interface LiveTags {
  has(name: RepositoryName, tag: TagName): boolean;
  add(name: RepositoryName, tag: TagName): void;
  forget(name: RepositoryName, tag: TagName): void;
}

/** What a process remembers of tags, in all repositories. */
export function createLiveTags(): LiveTags {
  const seen = new LRUCache<string, true>({ max: MAX_TAGS });
  // No name or tag has a colon.
  const keyOf = (name: RepositoryName, tag: TagName) => `${name}:${tag}`;
  return {
    has: (name, tag) => seen.get(keyOf(name, tag)) === true,
    add: (name, tag) => void seen.set(keyOf(name, tag), true),
    forget: (name, tag) => void seen.delete(keyOf(name, tag)),
  };
}
