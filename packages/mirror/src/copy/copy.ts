import pLimit from "p-limit";
import { isDigest, type Digest, type RepositoryName, type TagName } from "@longshore/storage";
import { isUpstreamError } from "../upstream/errors.js";
import { CopyError, type CopyRequest, type CopyResult } from "./contract.js";
import { createRepositoryCopy, type RepositoryCopy } from "./copy-repository.js";
import { listRepositories, listTags } from "./list.js";
import { patiently } from "./patient.js";
import { createSelection, type Selection } from "./select.js";

/**
 * Copies repositories from an upstream. One that was interrupted is simply run again: what is at the target is skipped. A tag or repository
 * that fails is reported, and the others are copied all the same. Throws the signal's reason, a CopyError for a request that makes no sense,
 * and what the source says where its repositories can't be listed.
 */
export async function copyRepositories(request: CopyRequest): Promise<CopyResult> {
  const { source, signal, observer } = request;
  const selection = createSelection(request.repositories, request.tags);
  const state = { copied: 0, unchanged: 0, failed: 0, manifests: 0, blobs: 0, bytes: 0 };
  const progress = { done: 0, found: 0, isComplete: false };
  const transfers = pLimit(request.jobs);
  const tell = (): void => observer?.progress?.({ ...progress, blobs: state.blobs, bytes: state.bytes });
  const counts = {
    manifest: () => void (state.manifests += 1),
    blob: () => void (state.blobs += 1),
    bytes: (count: number) => {
      state.bytes += count;
      tell();
    },
  };

  const fail = (what: string, error: unknown): void => {
    signal.throwIfAborted();
    state.failed += 1;
    observer?.failed?.(what, error);
  };

  const names = await selectRepositories(request, selection);
  for (const name of names) {
    try {
      await copyOne(name, name === names.at(-1));
    } catch (error) {
      fail(`${source.host}/${name}`, error);
    }
  }
  return state;

  async function copyOne(name: RepositoryName, isLast: boolean): Promise<void> {
    const to = request.rename(name);
    const tags = await tagsOf(request, selection, name);
    const wanted = selection.references(tags);
    if (request.renameTag !== undefined && wanted.length > 1) {
      throw new CopyError(`${wanted.length} tags match; leave the destination's tag out`);
    }
    progress.found += wanted.length;
    progress.isComplete = isLast;
    tell();
    const copies = createRepositoryCopy(request, { source: name, target: to, tags }, transfers, counts);
    const limit = pLimit(request.jobs);
    const outcomes = await Promise.allSettled(
      wanted.map((reference) => limit(() => copyReference(name, to, reference, copies))),
    );
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Never throws but for the signal: the other tags are copied all the same. */
  async function copyReference(
    name: RepositoryName,
    to: RepositoryName,
    reference: TagName | Digest,
    copies: RepositoryCopy,
  ): Promise<void> {
    signal.throwIfAborted();
    const shown = `${source.host}/${name}${isDigest(reference) ? "@" : ":"}${reference}`;
    const tag = request.renameTag ?? (isDigest(reference) ? undefined : reference);
    try {
      const { digest } = await transfers(() => ask(() => source.resolveManifest(name, reference, { signal })));
      const isThere = await isAtTarget(to, tag, digest);
      if (isThere && !request.full) {
        if (request.referrers && !request.dryRun) await copies.copyReferrers(digest);
        state.unchanged += 1;
      } else {
        if (!request.dryRun) await copies.copy(digest, tag);
        state.copied += 1;
        observer?.copied?.(shown, `${to}${tag === undefined ? `@${digest}` : `:${tag}`}`);
      }
    } catch (error) {
      fail(shown, error);
    } finally {
      progress.done += 1;
      tell();
    }
  }

  async function isAtTarget(to: RepositoryName, tag: TagName | undefined, digest: Digest): Promise<boolean> {
    if (tag === undefined) return request.target.hasManifest(to, digest, { signal });
    return (await request.target.resolveTag(to, tag, { signal })) === digest;
  }

  function ask<T>(work: () => Promise<T>): Promise<T> {
    return patiently(work, signal, (seconds, reason) => observer?.waiting?.(seconds, reason));
  }
}

/** The repositories that are meant: as they are named, and those of the catalog that match. */
async function selectRepositories(request: CopyRequest, selection: Selection): Promise<readonly RepositoryName[]> {
  const { names, needsCatalog } = selection;
  if (!needsCatalog) return [...new Set(names)];
  const { host } = request.source;
  const all = await listRepositories(request).catch((error: unknown) => {
    if (!isUpstreamError(error, "UNSUPPORTED") && !isUpstreamError(error, "DENIED")) throw error;
    throw new CopyError(`${host} doesn't list its repositories to us; name them one by one`, { cause: error });
  });
  const found = all.filter((name) => selection.isWantedRepository(name));
  if (found.length === 0 && names.length === 0) {
    throw new CopyError(`no repository of ${host} matches ${request.repositories.join(", ")}`);
  }
  return [...new Set([...names, ...found])];
}

/** All tags: also where one is named, since signatures may be attached to it. What is named is asked for in any case. */
async function tagsOf(request: CopyRequest, selection: Selection, name: RepositoryName): Promise<readonly TagName[]> {
  try {
    return await listTags(request, name);
  } catch (error) {
    if (isUpstreamError(error, "NOT_FOUND") && !selection.needsTags) return [];
    throw error;
  }
}
