import type { Registry, Repository } from "../contract/registry.js";
import { isStorageError, type StorageError } from "../errors.js";
import { isDigest, splitDigest, type Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { createCopier, tagsOf, type BringBlob, type Copier, type CopyWithinOptions } from "./copier.js";

/** How many names are listed at a time. */
const PAGE = 100;

/** Something of the source that couldn't be copied; the rest was. */
export interface CopyProblem {
  readonly name: RepositoryName;
  readonly what: Digest | TagName;
  readonly error: StorageError;
}

export interface CopyStoreOptions extends CopyWithinOptions {
  /** Also removes from the target what the source doesn't have (any more). */
  readonly mirror?: boolean | undefined;
  /** Repositories that are left out. */
  readonly isLeftOut?: ((name: RepositoryName) => boolean) | undefined;
  /** Manifests of one repository that are copied concurrently; 4 by default. */
  readonly concurrency?: number | undefined;
  readonly onRepository?: ((name: RepositoryName) => void) | undefined;
  readonly onProblem?: ((problem: CopyProblem) => void) | undefined;
  /** Bytes of blobs that were copied. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** How much was copied, beside what the target had already. */
export interface CopiedStore {
  readonly repositories: number;
  readonly tags: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
  /** Tags, manifests and repositories that the target had and the source doesn't have. */
  readonly removed: number;
  readonly problems: number;
}

/**
 * Copies the manifests, tags and referrers of all repositories to another storage (docs/protocols/backup.md), while `source` is
 * pushed to and collected. The target takes each blob as a push, which verifies its digest, and each manifest once it has what that
 * refers to. What the target has is left as it is, so that an interrupted or later copy brings only what is new.
 */
export async function copyStore(
  source: Registry,
  target: Registry,
  options: CopyStoreOptions = {},
): Promise<CopiedStore> {
  const counts = { repositories: 0, tags: 0, manifests: 0, blobs: 0, bytes: 0, removed: 0, problems: 0 };
  const told: CopyStoreOptions = {
    ...options,
    onCopied: (item) => {
      counts[`${item.kind}s`] += 1;
      options.onCopied?.(item);
    },
    onBytes: (count) => {
      counts.bytes += count;
      options.onBytes?.(count);
    },
    onProblem: (problem) => {
      counts.problems += 1;
      options.onProblem?.(problem);
    },
  };
  for await (const name of repositoriesOf(source, options)) {
    options.signal?.throwIfAborted();
    if (options.isLeftOut?.(name) === true) continue;
    options.onRepository?.(name);
    await copyContents(source.repository(name), target.repository(name), told);
    if (options.mirror === true)
      counts.removed += await removeOthers(source.repository(name), target.repository(name), options);
    counts.repositories += 1;
  }
  if (options.mirror === true) counts.removed += await removeRepositories(source, target, options);
  return counts;
}

async function copyContents(source: Repository, target: Repository, options: CopyStoreOptions): Promise<void> {
  const call = { signal: options.signal };
  const copier = createCopier(source, target, options, sendTo(source, target, options));
  let after: string | undefined;
  for (;;) {
    const page = await source.manifests.list({ ...call, after, limit: PAGE });
    await mapConcurrently(page.items, options.concurrency ?? 4, (digest) =>
      attemptCopy(source, digest, () => copier.manifest(digest), options),
    );
    after = page.items.at(-1);
    if (!page.more || after === undefined) break;
  }
  // Tags are read after the manifests: one that has moved since brings its manifest now.
  for await (const tag of tagsOf(source, undefined, call)) {
    await attemptCopy(source, tag, () => copyOneTag(tag, { source, target, copier, signal: options.signal }), options);
  }
}

/** Copies one manifest or tag of `source` by `work`; reports what can't be copied because of what it is. */
export async function attemptCopy(
  source: Repository,
  what: Digest | TagName,
  work: () => Promise<void>,
  { onProblem }: Pick<CopyStoreOptions, "onProblem">,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isAboutContent(error)) throw error;
    // What was deleted since it was listed, or lost its blobs because it was, is no problem.
    if (await isGone(source, what)) return;
    onProblem?.({ name: source.name, what, error });
  }
}

async function copyOneTag(
  tag: TagName,
  {
    source,
    target,
    copier,
    signal,
  }: {
    readonly source: Repository;
    readonly target: Repository;
    readonly copier: Copier;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const digest = await source.tags.resolve(tag, { signal });
  await copier.manifest(digest);
  if ((await resolved(target, tag)) !== digest) await copier.tag(digest, tag);
}

async function resolved(repository: Repository, tag: TagName): Promise<Digest | undefined> {
  try {
    return await repository.tags.resolve(tag);
  } catch (error) {
    if (isStorageError(error, "TAG_UNKNOWN")) return undefined;
    throw error;
  }
}

/** Whether a fault concerns one manifest, tag or blob: the copy goes on without it. */
function isAboutContent(error: unknown): error is StorageError {
  const codes = [
    "MANIFEST_UNKNOWN",
    "TAG_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_REFERENCES_UNKNOWN",
    "DIGEST_MISMATCH",
  ];
  return isStorageError(error) && codes.includes(error.code);
}

async function isGone({ manifests, tags }: Repository, what: Digest | TagName): Promise<boolean> {
  try {
    await (isDigest(what) ? manifests.get(what) : tags.resolve(what));
    return false;
  } catch (error) {
    if (isStorageError(error, "MANIFEST_UNKNOWN") || isStorageError(error, "TAG_UNKNOWN")) return true;
    throw error;
  }
}

/** Sends a blob that no repository of the target has; links it otherwise. */
function sendTo(source: Repository, target: Repository, { onBytes }: CopyStoreOptions): BringBlob {
  return async (digest, call) => {
    try {
      await target.blobs.mount(digest, undefined, call);
      return true;
    } catch (error) {
      if (!isStorageError(error, "BLOB_UNKNOWN")) throw error;
    }
    let stream;
    try {
      stream = await source.blobs.open(digest, call);
    } catch (error) {
      if (isStorageError(error, "BLOB_UNKNOWN")) return false;
      throw error;
    }
    try {
      const { uuid } = await target.uploads.start({ ...call, algorithm: splitDigest(digest).algorithm });
      const body = { bytes: stream, offset: 0, length: stream.size };
      try {
        await target.uploads.commit(uuid, digest, body, call);
      } catch (error) {
        // Without the signal, which may be what ended the copy.
        await target.uploads.cancel(uuid).catch(() => undefined);
        throw error;
      }
      onBytes?.(stream.size);
      return true;
    } finally {
      await stream.close();
    }
  };
}

/** Removes the target's tags and manifests that the source doesn't have; returns how many. */
async function removeOthers(source: Repository, target: Repository, { signal }: CopyStoreOptions): Promise<number> {
  let removed = 0;
  for await (const tag of tagsOf(target, undefined, { signal })) {
    if (!(await isGone(source, tag))) continue;
    await target.tags.delete(tag).catch(ifGone);
    removed += 1;
  }
  let after: string | undefined;
  for (;;) {
    const page = await target.manifests.list({ signal, after, limit: PAGE });
    for (const digest of page.items) {
      if (!(await isGone(source, digest))) continue;
      await target.manifests.delete(digest).catch(ifGone);
      removed += 1;
    }
    after = page.items.at(-1);
    if (!page.more || after === undefined) return removed;
  }
}

function ifGone(error: unknown): undefined {
  if (isStorageError(error, "TAG_UNKNOWN") || isStorageError(error, "MANIFEST_UNKNOWN")) return undefined;
  throw error;
}

async function removeRepositories(source: Registry, target: Registry, options: CopyStoreOptions): Promise<number> {
  let removed = 0;
  for await (const name of repositoriesOf(target, options)) {
    if (options.isLeftOut?.(name) === true) continue;
    const there = await source.repository(name).manifests.list({ limit: 1, signal: options.signal });
    if (there.items.length > 0) continue;
    await target.remove(name, { signal: options.signal });
    removed += 1;
  }
  return removed;
}

/** All repositories, by name. */
export async function* repositoriesOf(
  registry: Registry,
  { signal }: CopyWithinOptions,
): AsyncGenerator<RepositoryName, void, undefined> {
  let after: string | undefined;
  for (;;) {
    const page = await registry.repositories({ after, limit: PAGE, signal });
    yield* page.items;
    after = page.items.at(-1);
    if (!page.more || after === undefined) return;
  }
}
