import pLimit from "p-limit";
import {
  isManifestMediaType,
  parseManifest,
  referencesOf,
  type Descriptor,
  type Digest,
  type ManifestReference,
  type RepositoryName,
  type TagName,
} from "@longshore/storage";
import type { FetchedManifest } from "../upstream/contract.js";
import { isUpstreamError } from "../upstream/errors.js";
import { attachedTags } from "./attached-tags.js";
import { CopyError, type CopyRequest } from "./contract.js";
import { patiently } from "./patient.js";
import { wantedChildren } from "./platforms.js";
import { boundedBlob } from "./bounded-blob.js";

/** Indexes in indexes, and referrers of referrers. */
const MAX_DEPTH = 16;

/** What a repository's copy counts. */
export interface CopyCounts {
  manifest(): void;
  blob(): void;
  bytes(count: number): void;
}

/** Copies manifests of one repository with all that belongs to them, each once. */
export interface RepositoryCopy {
  /** Resolves when the manifest, what it refers to, and (as asked for) its referrers are at the target, and `tag` points to it. */
  copy(digest: Digest, tag: TagName | undefined): Promise<void>;
  /** The referrers alone, of a manifest that is at the target. */
  copyReferrers(digest: Digest): Promise<void>;
}

/**
 * Blobs come before the manifests that name them, manifests before indexes, referrers before their subject, and a tag last: what can be
 * seen at the target is whole whenever the copy is interrupted.
 * @param tags all of the source's tags
 * @param transfers runs so many transfers at the same time
 */
export function createRepositoryCopy(
  request: CopyRequest,
  repository: { readonly source: RepositoryName; readonly target: RepositoryName; readonly tags: readonly TagName[] },
  transfers: ReturnType<typeof pLimit>,
  counts: CopyCounts,
): RepositoryCopy {
  const { source, target, signal, observer } = request;
  const from = repository.source;
  const to = repository.target;
  const manifests = new Map<string, Promise<void>>();
  const blobs = new Map<string, Promise<void>>();
  const call = { signal };

  const ask = <T>(work: () => Promise<T>): Promise<T> =>
    transfers(() => patiently(work, signal, (seconds, reason) => observer?.waiting?.(seconds, reason)));

  const copyBlob = (blob: Descriptor): Promise<void> => {
    const known = blobs.get(blob.digest);
    if (known !== undefined) return known;
    const work = ask(async () => {
      if (await target.hasBlob(to, blob.digest, call)) return;
      const content = boundedBlob(await source.openBlob(from, blob.digest, call), blob, (count) => counts.bytes(count));
      try {
        await target.putBlob(to, blob, content, call);
      } finally {
        await content.close();
      }
      counts.blob();
    });
    blobs.set(blob.digest, work);
    return work;
  };

  const copyReference = async ({ kind, descriptor, required }: ManifestReference, depth: number): Promise<void> => {
    try {
      if (kind !== "blob" && (kind === "manifest" || isManifestMediaType(descriptor.mediaType))) {
        await copyManifest(descriptor.digest, undefined, depth + 1);
      } else await copyBlob(descriptor);
    } catch (error) {
      // A layer that is to be had elsewhere may be missing here, and often is.
      if (required || !isUpstreamError(error, "NOT_FOUND")) throw error;
    }
  };

  const copyContent = async (digest: Digest, tag: TagName | undefined, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw new CopyError(`${digest} is nested more than ${MAX_DEPTH} levels deep`);
    const isThere = !request.full && tag === undefined && (await target.hasManifest(to, digest, call));
    if (!isThere) {
      const manifest = await ask(() => source.fetchManifest(from, digest, call));
      await settle(references(manifest), (reference) => copyReference(reference, depth));
      if (request.referrers) await copyReferrersOf(digest, depth);
      await target.putManifest(to, manifest, tag, call);
      counts.manifest();
    } else if (request.referrers) await copyReferrersOf(digest, depth);
  };

  const references = ({ bytes, mediaType }: FetchedManifest): readonly ManifestReference[] => {
    const manifest = parseManifest(bytes, mediaType);
    const all = referencesOf(manifest);
    if (manifest.kind !== "index") return all;
    const wanted = new Set(wantedChildren(manifest, request.platforms).map((child) => child.digest));
    return all.filter(({ descriptor }) => wanted.has(descriptor.digest));
  };

  const copyManifest = (digest: Digest, tag: TagName | undefined, depth: number): Promise<void> => {
    const key = `${digest} ${tag ?? ""}`;
    const known = manifests.get(key);
    if (known !== undefined) return known;
    const work = copyContent(digest, tag, depth);
    manifests.set(key, work);
    return work;
  };

  const copyReferrersOf = async (subject: Digest, depth: number): Promise<void> => {
    const found = await ask(() => source.referrers(from, subject, call));
    await settle(found, (referrer) => copyManifest(referrer.digest, undefined, depth + 1));
    if (found.length > 0) await target.listReferrers(to, subject, found, call);
    await settle(attachedTags(subject, repository.tags), async (tag) => {
      const { digest } = await ask(() => source.resolveManifest(from, tag, call));
      if ((await target.resolveTag(to, tag, call)) !== digest) await copyManifest(digest, tag, depth + 1);
    });
  };

  return {
    copy: (digest, tag) => copyManifest(digest, tag, 0),
    copyReferrers: (digest) => copyReferrersOf(digest, 0),
  };
}

/** Items of one manifest that are worked on at the same time; transfers have a limit of their own. */
const AT_ONCE = 8;

/** Does `work` for all items, even where it fails for some, and throws the first failure then. */
async function settle<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const limit = pLimit(AT_ONCE);
  const outcomes = await Promise.allSettled(items.map((item) => limit(() => work(item))));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
