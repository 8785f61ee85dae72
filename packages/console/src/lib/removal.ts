/** What deleting tags does to a manifest. */
interface RemovedManifest {
  readonly digest: string;
  /** The tags of it that go. */
  readonly removed: readonly string[];
  /** Its tags that stay. Without any, it can only be pulled by its digest, until a collection. */
  readonly siblings: readonly string[];
}

export interface RemovalPlan {
  /** Those that nothing names afterwards come first. */
  readonly manifests: readonly RemovedManifest[];
  readonly kept: readonly { readonly tag: string; readonly reason: string }[];
  /** How many tags go. */
  readonly count: number;
}

interface Removal {
  readonly removed: readonly { readonly tag: string; readonly digest: string }[];
  readonly kept: readonly { readonly tag: string; readonly reason: string }[];
}

/** What would become unreachable, given what a dry run says and all tags of the repository. */
export function planRemoval(
  { removed, kept }: Removal,
  all: readonly { readonly tag: string; readonly digest: string }[],
): RemovalPlan {
  const goes = new Set(removed.map(({ tag }) => tag));
  const byDigest = new Map<string, { removed: string[]; siblings: string[] }>();
  for (const { tag, digest } of removed) {
    const entry = byDigest.get(digest) ?? { removed: [], siblings: [] };
    entry.removed.push(tag);
    byDigest.set(digest, entry);
  }
  for (const { tag, digest } of all) if (!goes.has(tag)) byDigest.get(digest)?.siblings.push(tag);
  const manifests = [...byDigest].map(([digest, entry]) => ({ digest, ...entry }));
  manifests.sort((a, b) => Number(a.siblings.length > 0) - Number(b.siblings.length > 0));
  return { manifests, kept, count: removed.length };
}
