import type { ManifestFact } from "./facts.js";

/** What some manifests need. */
export interface Closure {
  /** They themselves, children of indexes, and what refers to any of these. */
  readonly needed: ReadonlySet<string>;
  /** The children among them, by the index that lists them. */
  readonly listedBy: ReadonlyMap<string, string>;
}

/** Finds what manifests need. `referrers` has further referrers by subject, such as those that are found by their tag. */
export function createClosure(
  manifests: readonly ManifestFact[],
  referrers: ReadonlyMap<string, readonly string[]> = new Map(),
): (roots: Iterable<string>) => Closure {
  const byDigest = new Map(manifests.map((each) => [each.digest, each]));
  const about = new Map<string, string[]>();
  const note = (subject: string, digest: string): void => {
    const list = about.get(subject);
    if (list === undefined) about.set(subject, [digest]);
    else list.push(digest);
  };
  for (const { digest, subject } of manifests) if (subject !== undefined) note(subject, digest);
  for (const [subject, digests] of referrers) for (const digest of digests) note(subject, digest);
  return (roots) => {
    const needed = new Set(roots);
    const listedBy = new Map<string, string>();
    // A set is iterated in the order of insertion, including what is added meanwhile.
    for (const digest of needed) {
      for (const child of byDigest.get(digest)?.children ?? []) {
        needed.add(child);
        listedBy.set(child, digest);
      }
      for (const referrer of about.get(digest) ?? []) needed.add(referrer);
    }
    return { needed, listedBy };
  };
}
