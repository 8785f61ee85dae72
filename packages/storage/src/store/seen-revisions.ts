import { LRUCache } from "lru-cache";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";

/** Revisions that are remembered: some 300 bytes each. */
const MAX_REVISIONS = 50_000;

/**
 * Revisions that this process once saw linked. A tag that points to such a one right now is enough to serve it: whoever takes
 * a manifest away takes its tags away before he is answered. A tag alone isn't: old originals left tags behind that lead to
 * manifests they had deleted.
 */
export interface SeenRevisions {
  has(name: RepositoryName, digest: Digest): boolean;
  add(name: RepositoryName, digest: Digest): void;
  forget(name: RepositoryName, digest: Digest): void;
}

/** What a process remembers of revisions, in all repositories. */
export function createSeenRevisions(): SeenRevisions {
  const seen = new LRUCache<string, true>({ max: MAX_REVISIONS });
  // No name has an at sign.
  const keyOf = (name: RepositoryName, digest: Digest) => `${name}@${digest}`;
  return {
    has: (name, digest) => seen.get(keyOf(name, digest)) === true,
    add: (name, digest) => void seen.set(keyOf(name, digest), true),
    forget: (name, digest) => void seen.delete(keyOf(name, digest)),
  };
}
