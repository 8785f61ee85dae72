import type { Digest } from "@longshore/storage";
import type { Amounts } from "@longshore/policy";

/** What repositories below a prefix have, or a push adds: by identity, so that what both have counts once. */
export interface Holdings {
  /** Bytes of blobs and manifests. */
  readonly parts: ReadonlyMap<Digest, number>;
  /** `<repository>:<tag>`. */
  readonly tags: ReadonlySet<string>;
  readonly repositories: ReadonlySet<string>;
}

export const NO_HOLDINGS: Holdings = { parts: new Map(), tags: new Set(), repositories: new Set() };

/** What one of `all` has, each thing once. */
export function union(all: Iterable<Holdings>): Holdings {
  const parts = new Map<Digest, number>();
  const tags = new Set<string>();
  const repositories = new Set<string>();
  for (const each of all) {
    // Manifests may differ in what they say.
    for (const [digest, size] of each.parts) parts.set(digest, Math.max(size, parts.get(digest) ?? 0));
    for (const tag of each.tags) tags.add(tag);
    for (const name of each.repositories) repositories.add(name);
  }
  return { parts, tags, repositories };
}

/** What `holdings` has and `known` doesn't. */
export function without(holdings: Holdings, known: Holdings): Holdings {
  return {
    parts: new Map([...holdings.parts].filter(([digest, size]) => size > (known.parts.get(digest) ?? -1))),
    tags: new Set([...holdings.tags].filter((tag) => !known.tags.has(tag))),
    repositories: new Set([...holdings.repositories].filter((name) => !known.repositories.has(name))),
  };
}

export function isEmpty({ parts, tags, repositories }: Holdings): boolean {
  return parts.size === 0 && tags.size === 0 && repositories.size === 0;
}

export function amountsOf({ parts, tags, repositories }: Holdings): Amounts {
  let bytes = 0;
  for (const size of parts.values()) bytes += size;
  return { bytes, tags: tags.size, repositories: repositories.size };
}
