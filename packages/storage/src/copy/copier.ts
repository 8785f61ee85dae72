import { LRUCache } from "lru-cache";
import type { CallOptions } from "../contract/driver.js";
import type { StoredManifest } from "../contract/manifest-store.js";
import type { Repository } from "../contract/registry.js";
import { isStorageError, StorageError } from "../errors.js";
import { splitDigest, type Digest } from "../model/digest.js";
import type { Manifest } from "../model/manifest/manifest.js";
import { parseManifest } from "../model/manifest/parse.js";
import { referencesOf, type ManifestReference } from "../model/manifest/references.js";
import { isManifestMediaType } from "../model/media-types.js";
import { isTagName, type TagName } from "../model/tag.js";
import { mapConcurrently } from "../store/shared/concurrent.js";

/** How many blobs or referrers of one manifest are linked at the same time. */
const CONCURRENCY = 8;

/** How many digests are remembered as copied, of some 200 bytes each; beyond that some are linked twice. */
const REMEMBERED = 100_000;

/** How many names are listed at a time. */
const PAGE = 100;

/** What was copied. */
export type CopiedItem =
  | { readonly kind: "manifest"; readonly digest: Digest }
  | { readonly kind: "blob"; readonly digest: Digest }
  | { readonly kind: "tag"; readonly tag: TagName; readonly digest: Digest };

/** Options of a copy within one storage. */
export interface CopyWithinOptions extends CallOptions {
  /** Called for each item that the target didn't have, and for each tag. Must not throw. */
  readonly onCopied?: ((item: CopiedItem) => void) | undefined;
}

/** Brings a blob to the target. False if the source doesn't have it. */
export type BringBlob = (digest: Digest, call: CallOptions) => Promise<boolean>;

/** Within one storage a blob is linked, and no bytes are copied. */
const mountFrom =
  (source: Repository, target: Repository): BringBlob =>
  async (digest, call) => {
    try {
      await target.blobs.mount(digest, source.name, call);
      return true;
    } catch (error) {
      if (isStorageError(error, "BLOB_UNKNOWN")) return false;
      throw error;
    }
  };

/**
 * Copies from one repository to another, by default of the same storage. What the target has
 * already is left as it is. Each call resolves when what it names is durable there, and throws what the target's push throws,
 * or MANIFEST_UNKNOWN, TAG_UNKNOWN for what the source doesn't have.
 */
export interface Copier {
  /** Copies a manifest with everything that it refers to. */
  manifest(digest: Digest): Promise<void>;
  /** Also copies the manifests that name it, or one of its children, as their subject, and tags by which tools attach some. */
  withReferrers(digest: Digest): Promise<void>;
  /** Points `as` at the manifest, which must be there. */
  tag(digest: Digest, as: TagName): Promise<void>;
}

export function createCopier(
  source: Repository,
  target: Repository,
  options: CopyWithinOptions = {},
  bringBlob: BringBlob = mountFrom(source, target),
): Copier {
  const call: CallOptions = { signal: options.signal };
  const mounted = new LRUCache<Digest, true>({ max: REMEMBERED });
  const copied = new LRUCache<Digest, true>({ max: REMEMBERED });
  const followed = new LRUCache<Digest, true>({ max: REMEMBERED });
  const copying = new Map<Digest, Promise<void>>();
  const linking = new Map<Digest, Promise<boolean>>();

  const link = async (digest: Digest): Promise<boolean> => {
    if (!(await bringBlob(digest, call))) return false;
    mounted.set(digest, true);
    options.onCopied?.({ kind: "blob", digest });
    return true;
  };

  /** False if the source doesn't have the blob; whether it has to is for the target's rules. Images that share one wait for it. */
  const mount = (digest: Digest): Promise<boolean> => {
    if (mounted.has(digest)) return Promise.resolve(true);
    const running = linking.get(digest) ?? link(digest).finally(() => linking.delete(digest));
    linking.set(digest, running);
    return running;
  };

  const bring = async ({ kind, descriptor: { digest } }: ManifestReference): Promise<void> => {
    if (kind !== "manifest" && (await mount(digest))) return;
    if (kind === "blob") return;
    await manifest(digest).catch((error: unknown) => {
      // Whether the target takes an index without it is for the target's rules.
      if (!isStorageError(error, "MANIFEST_UNKNOWN")) throw error;
    });
  };

  const has = async (digest: Digest): Promise<boolean> => {
    try {
      await target.manifests.get(digest, call);
      return true;
    } catch (error) {
      if (isStorageError(error, "MANIFEST_UNKNOWN")) return false;
      throw error;
    }
  };

  const copy = async (digest: Digest): Promise<void> => {
    options.signal?.throwIfAborted();
    // An acknowledged manifest never lacks what it refers to.
    if (!(await has(digest))) {
      const stored = await source.manifests.get(digest, call);
      await mapConcurrently(referencesIn(stored), CONCURRENCY, bring);
      const { bytes, mediaType } = stored;
      await target.manifests.put({ bytes, mediaType, digest, tags: [] }, call);
      options.onCopied?.({ kind: "manifest", digest });
    }
    copied.set(digest, true);
  };

  const manifest = (digest: Digest): Promise<void> => {
    if (copied.has(digest)) return Promise.resolve();
    const running = copying.get(digest) ?? copy(digest).finally(() => copying.delete(digest));
    copying.set(digest, running);
    return running;
  };

  const tag = async (digest: Digest, as: TagName): Promise<void> => {
    // By a push, so that neither a collector nor a delete comes in between.
    const { bytes, mediaType } = await target.manifests.get(digest, call);
    await target.manifests.put({ bytes, mediaType, digest, tags: [as] }, call);
    options.onCopied?.({ kind: "tag", tag: as, digest });
  };

  /** Tags such as cosign's `sha256-<hex>.sig`. */
  const copyAttached = async (digest: Digest): Promise<void> => {
    const { algorithm, hex } = splitDigest(digest);
    const prefix = `${algorithm}-${hex}.`;
    for await (const each of tagsOf(source, prefix, call)) {
      if (!each.startsWith(prefix)) return;
      const attached = await source.tags.resolve(each, call);
      await withReferrers(attached);
      await tag(attached, each);
    }
  };

  const copyReferrers = async (subject: Digest): Promise<void> => {
    let after: string | undefined;
    for (;;) {
      const page = await source.referrers.list(subject, { ...call, after, limit: PAGE });
      await mapConcurrently(page.items, CONCURRENCY, ({ digest }) => withReferrers(digest));
      after = page.next ?? page.items.at(-1)?.digest;
      if (!page.more || after === undefined) return;
    }
  };

  const withReferrers = async (digest: Digest): Promise<void> => {
    await manifest(digest);
    if (followed.has(digest)) return;
    followed.set(digest, true);
    const stored = await source.manifests.get(digest, call);
    for (const { kind, descriptor } of referencesIn(stored)) {
      if (kind === "manifest" && (await has(descriptor.digest))) await withReferrers(descriptor.digest);
    }
    await copyReferrers(digest);
    await copyAttached(digest);
  };

  return { manifest, withReferrers, tag };
}

function referencesIn(stored: StoredManifest): readonly ManifestReference[] {
  return referencesOf(manifestIn(stored));
}

/** Throws MANIFEST_INVALID for what no registry takes a push of any more. */
export function manifestIn({ bytes, mediaType, digest }: StoredManifest): Manifest {
  if (isManifestMediaType(mediaType)) return parseManifest(bytes, mediaType);
  const reason = `manifest ${digest} is of the type ${mediaType}, which can't be pushed any more and isn't copied`;
  throw new StorageError({ code: "MANIFEST_INVALID", reason });
}

/** The tags of a repository after `start`, page by page; none if it has neither tags nor manifests. */
export async function* tagsOf(
  repository: Repository,
  start: string | undefined,
  call: CallOptions,
): AsyncGenerator<TagName, void, undefined> {
  let after = start;
  for (;;) {
    const page = await repository.tags.list({ ...call, after, limit: PAGE }).catch((error: unknown) => {
      if (isStorageError(error, "NAME_UNKNOWN")) return undefined;
      throw error;
    });
    if (page === undefined) return;
    yield* page.items.filter(isTagName);
    after = page.items.at(-1);
    if (!page.more || after === undefined) return;
  }
}
