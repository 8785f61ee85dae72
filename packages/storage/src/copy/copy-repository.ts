import type { Registry, Repository } from "../contract/registry.js";
import { isStorageError, StorageError } from "../errors.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { createCopier, tagsOf, type CopiedItem, type Copier, type CopyWithinOptions } from "./copier.js";

/** How many manifests are listed, and copied, at a time. */
const PAGE = 100;
const CONCURRENCY = 8;

/** What a copy within a storage is from and to. */
export interface CopyPlaces {
  readonly from: RepositoryName;
  readonly to: RepositoryName;
}

/** How much was copied, beside what the target had already. */
export interface CopiedWithin {
  readonly tags: number;
  readonly manifests: number;
  /** Blobs that were linked. */
  readonly blobs: number;
}

/** Copies a tag, as `as` or under its own name, with all that it refers to and its referrers. Throws TAG_UNKNOWN. */
export async function copyTag(
  registry: Registry,
  { from, to, tag, as = tag }: CopyPlaces & { readonly tag: TagName; readonly as?: TagName | undefined },
  options: CopyWithinOptions = {},
): Promise<CopiedWithin & { readonly digest: Digest }> {
  const source = registry.repository(from);
  const { counts, told } = counted(options);
  const copier = createCopier(source, registry.repository(to), told);
  const digest = await source.tags.resolve(tag, { signal: options.signal });
  await copier.withReferrers(digest);
  await copier.tag(digest, as);
  return { ...counts, digest };
}

/** Options of {@link copyRepository}. */
export interface CopyRepositoryOptions extends CopyWithinOptions {
  /** Which tags are copied, with what they refer to and their referrers. By default everything is, tagged or not. */
  readonly wants?: ((tag: TagName) => boolean) | undefined;
}

/**
 * Copies a repository to another name on the same storage: blobs are mounted, not copied. What the target has is kept; a tag that
 * both have points where the source's points. It can be interrupted and called again. Throws NAME_UNKNOWN for a source without
 * manifests, NAME_INVALID if both are the same.
 */
export async function copyRepository(
  registry: Registry,
  { from, to }: CopyPlaces,
  options: CopyRepositoryOptions = {},
): Promise<CopiedWithin> {
  if (from === to) throw new StorageError({ code: "NAME_INVALID", name: to, reason: "it is the source itself" });
  const source = registry.repository(from);
  const call = { signal: options.signal };
  const first = await source.manifests.list({ ...call, limit: 1 });
  if (first.items.length === 0) throw new StorageError({ code: "NAME_UNKNOWN", name: from });
  const { counts, told } = counted(options);
  const copier = createCopier(source, registry.repository(to), told);
  if (options.wants === undefined) await copyManifests(source, copier, call);
  for await (const tag of tagsOf(source, undefined, call)) {
    if (options.wants?.(tag) === false) continue;
    const digest = await source.tags.resolve(tag, call).catch(ifGone);
    if (digest === undefined) continue;
    await (options.wants === undefined ? copier.manifest(digest) : copier.withReferrers(digest));
    await copier.tag(digest, tag);
  }
  return counts;
}

async function copyManifests(source: Repository, copier: Copier, call: CopyWithinOptions): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const page = await source.manifests.list({ ...call, after, limit: PAGE });
    await mapConcurrently(page.items, CONCURRENCY, (digest) => copier.manifest(digest).catch(ifGone));
    after = page.items.at(-1);
    if (!page.more || after === undefined) return;
  }
}

/** What was deleted since it was listed isn't copied. */
function ifGone(error: unknown): undefined {
  if (isStorageError(error, "MANIFEST_UNKNOWN") || isStorageError(error, "TAG_UNKNOWN")) return undefined;
  throw error;
}

/** Options that also count. */
function counted(options: CopyWithinOptions) {
  const counts = { tags: 0, manifests: 0, blobs: 0 };
  const onCopied = (item: CopiedItem): void => {
    counts[`${item.kind}s`] += 1;
    options.onCopied?.(item);
  };
  return { counts, told: { ...options, onCopied } };
}
