import type { CallOptions } from "../contract/driver.js";
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

/** A mirror was asked for of a storage without repositories, which would remove everything from the copy. */
export class EmptySourceError extends Error {
  override readonly name = "EmptySourceError";

  constructor() {
    super(
      "the storage to copy from has no repositories, so nothing is removed from the copy of it; " +
        "check that its volume is mounted and that its rootdirectory (or bucket) is the right one",
    );
  }
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
 * refers to. What the target has is left as it is, so that an interrupted or later copy brings only what is new. Throws
 * EmptySourceError if the copy is to be a mirror and the source has no repositories, also if it has lost them during the copy.
 */
export async function copyStore(
  source: Registry,
  target: Registry,
  options: CopyStoreOptions = {},
): Promise<CopiedStore> {
  const { counts, told } = countCopied(options);
  if (options.mirror === true) await requireContent(source, options);
  for await (const name of repositoriesOf(source, options)) {
    options.signal?.throwIfAborted();
    if (options.isLeftOut?.(name) === true) continue;
    options.onRepository?.(name);
    await copyContents(source.repository(name), target.repository(name), told);
    if (options.mirror === true) counts.removed += await removeOthers(name, source, target, told);
    counts.repositories += 1;
  }
  if (options.mirror === true) counts.removed += await removeRepositories(source, target, told);
  return counts;
}

type Told = Pick<CopyStoreOptions, "onCopied" | "onBytes" | "onProblem">;

/** Options that count what they are told of, beside telling it on. Repositories and removals are for the caller to count. */
export function countCopied<T extends Told>(options: T) {
  const counts = { repositories: 0, tags: 0, manifests: 0, blobs: 0, bytes: 0, removed: 0, problems: 0 };
  const counting: Told = {
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
  return { counts, told: { ...options, ...counting } };
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
    if (!(await isToBeThere(source, what))) return;
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

/**
 * Whether it should have been copied. A tag whose manifest was deleted has nothing to bring: its own delete is under way or was
 * killed, or Distribution deleted the manifest, which leaves tags behind. The scrub reports such tags.
 */
async function isToBeThere(source: Repository, what: Digest | TagName): Promise<boolean> {
  if (!(await isLinked(source, what))) return false;
  const digest = isDigest(what) ? what : await resolved(source, what);
  return digest === undefined || source.manifests.isLinked(digest);
}

/** Whether it wasn't deleted: what is damaged, or lacks its bytes, counts as there. */
function isLinked({ manifests, tags }: Repository, what: Digest | TagName): Promise<boolean> {
  return isDigest(what) ? manifests.isLinked(what) : tags.isLinked(what);
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

/**
 * Removes the target's tags and manifests that were deleted from the source; returns how many. Those that the source links but
 * can't read are kept, and reported.
 */
async function removeOthers(
  name: RepositoryName,
  from: Registry,
  to: Registry,
  options: CopyStoreOptions,
): Promise<number> {
  const call = { signal: options.signal };
  const [source, target] = [from.repository(name), to.repository(name)];
  let removed = 0;
  for await (const tag of tagsOf(target, undefined, call)) {
    if (await isLinked(source, tag)) continue;
    await requireContent(from, options);
    await target.tags.delete(tag).catch(ifGone);
    removed += 1;
  }
  for await (const digest of manifestsOf(target, call)) {
    if (await isLinked(source, digest)) {
      const read = async (): Promise<void> => void (await source.manifests.get(digest, call));
      await attemptCopy(source, digest, read, options);
      continue;
    }
    await requireContent(from, options);
    await target.manifests.delete(digest).catch(ifGone);
    removed += 1;
  }
  return removed;
}

function ifGone(error: unknown): undefined {
  if (isStorageError(error, "TAG_UNKNOWN") || isStorageError(error, "MANIFEST_UNKNOWN")) return undefined;
  throw error;
}

/** Removes the target's repositories that were deleted from the source; returns how much was removed. */
async function removeRepositories(source: Registry, target: Registry, options: CopyStoreOptions): Promise<number> {
  const call = { signal: options.signal };
  let removed = 0;
  for await (const name of repositoriesOf(target, options)) {
    if (options.isLeftOut?.(name) === true) continue;
    if (await holdsManifest(source.repository(name), call)) continue;
    if (await linksAny(source.repository(name), manifestsOf(target.repository(name), call))) {
      // All of its links are damaged.
      removed += await removeOthers(name, source, target, options);
      continue;
    }
    await requireContent(source, options);
    await target.remove(name, call);
    removed += 1;
  }
  return removed;
}

/**
 * Throws EmptySourceError if the source has no repositories. Called after the look that found something gone and before its removal,
 * so that a volume that is unmounted meanwhile takes nothing from the copy.
 */
async function requireContent(source: Registry, options: CopyStoreOptions): Promise<void> {
  for await (const name of repositoriesOf(source, options)) {
    if (options.isLeftOut?.(name) === true) continue;
    // A list of names may come from elsewhere than the volume.
    if (await holdsManifest(source.repository(name), { signal: options.signal })) return;
  }
  throw new EmptySourceError();
}

async function holdsManifest({ manifests }: Repository, call: CallOptions): Promise<boolean> {
  return (await manifests.list({ ...call, limit: 1 })).items.length > 0;
}

async function linksAny({ manifests }: Repository, digests: AsyncIterable<Digest>): Promise<boolean> {
  for await (const digest of digests) if (await manifests.isLinked(digest)) return true;
  return false;
}

async function* manifestsOf({ manifests }: Repository, call: CallOptions): AsyncGenerator<Digest, void, undefined> {
  let after: string | undefined;
  for (;;) {
    const page = await manifests.list({ ...call, after, limit: PAGE });
    yield* page.items;
    after = page.items.at(-1);
    if (!page.more || after === undefined) return;
  }
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
