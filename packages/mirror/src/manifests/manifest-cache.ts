import { MIB } from "@longshore/base/size";
import {
  isStorageError,
  type CallOptions,
  type Digest,
  type Registry,
  type ResolveOptions,
  type StoredManifest,
  type TagName,
} from "@longshore/storage";
import { LRUCache } from "lru-cache";
import type { MirrorObserver } from "../contract.js";
import type { Refusals } from "../refusals.js";
import type { Route } from "../routing.js";
import type { FetchedManifest } from "../upstream/contract.js";
import { isUpstreamError, type UpstreamError } from "../upstream/errors.js";
import { orUnknownManifest, orUnknownTag } from "../upstream-errors.js";
import { createSharedWork } from "./shared-work.js";

/** What the manifests of all mirrored repositories share. */
export interface ManifestCacheParts {
  /** What is cached. */
  readonly registry: Registry;
  readonly refusals: Refusals;
  readonly observer: MirrorObserver;
  readonly now: () => number;
  /** Called when a manifest was stored. */
  readonly onStored: (route: Route, digest: Digest) => void;
}

/** Manifests and tags of mirrored repositories. Errors are those of the storage's contract, and UpstreamError. */
export interface ManifestCache {
  /** Where the tag points at the upstream: its manifest is cached when this resolves, if it can be. */
  resolve(route: Route, tag: TagName, options?: ResolveOptions): Promise<Digest>;
  /** A manifest that isn't cached. */
  fetch(route: Route, digest: Digest, options?: CallOptions): Promise<StoredManifest>;
}

/** Where a tag points, and why that may be out of date. */
interface Resolution {
  readonly digest: Digest;
  readonly stale?: UpstreamError | undefined;
}

/** Tags whose comparison with the upstream's is remembered. */
const REMEMBERED_TAGS = 50_000;

/** Bytes of manifests that couldn't be stored and are about to be asked for by digest. */
const UNSTORED_BYTES = 32 * MIB;

export function createManifestCache({
  registry,
  refusals,
  observer,
  now,
  onStored,
}: ManifestCacheParts): ManifestCache {
  const resolving = createSharedWork<Resolution>();
  const fetching = createSharedWork<StoredManifest>();
  const compared = new LRUCache<string, { readonly digest: Digest; readonly at: number }>({ max: REMEMBERED_TAGS });
  const unstored = new LRUCache<string, StoredManifest>({
    maxSize: UNSTORED_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length + 512,
  });

  /** Stores a manifest, with its tag. One that the storage doesn't take is served all the same. */
  const keep = async (route: Route, fetched: FetchedManifest, tags: readonly TagName[]): Promise<StoredManifest> => {
    const { digest, bytes, mediaType } = fetched;
    const { manifests } = registry.repository(route.name);
    observer.pulled?.("manifest", bytes.length);
    try {
      await manifests.put({ bytes, mediaType, digest, tags, incomplete: true });
    } catch (error) {
      if (!isStorageError(error)) throw error;
      observer.notStored?.(route.upstream.label, "manifest", error);
      const manifest = { digest, mediaType, bytes };
      unstored.set(`${route.name}@${digest}`, manifest);
      return manifest;
    }
    onStored(route, digest);
    return manifests.get(digest);
  };

  const isCached = async (route: Route, digest: Digest): Promise<boolean> => {
    try {
      await registry.repository(route.name).manifests.get(digest);
      return true;
    } catch (error) {
      if (isStorageError(error, "MANIFEST_UNKNOWN")) return false;
      throw error;
    }
  };

  const cachedTag = async (route: Route, tag: TagName, options?: CallOptions): Promise<Digest | undefined> => {
    try {
      return await registry.repository(route.name).tags.resolve(tag, options);
    } catch (error) {
      if (isStorageError(error, "TAG_UNKNOWN")) return undefined;
      throw error;
    }
  };

  /** Compares the tag with the upstream's, and fetches what it points to there. */
  const compare = async (route: Route, tag: TagName, cached: Digest | undefined): Promise<Digest> => {
    const { upstream, name, remote } = route;
    const about = `tag ${name}:${tag}`;
    const found = await refusals.through(about, () => upstream.client.resolveManifest(remote, tag));
    const { digest, bytes } = found;
    if (!(await isCached(route, digest))) {
      const fetched = bytes === undefined ? await upstream.client.fetchManifest(remote, digest) : { ...found, bytes };
      await keep(route, fetched, [tag]);
    } else if (digest !== cached) {
      await registry.repository(name).tags.set(tag, digest);
    }
    compared.set(`${name}:${tag}`, { digest, at: now() });
    return digest;
  };

  const resolveAnew = async (route: Route, tag: TagName, cached: Digest | undefined): Promise<Resolution> => {
    const { upstream, name } = route;
    try {
      return { digest: await orUnknownTag(name, tag, compare(route, tag, cached)) };
    } catch (error) {
      const cause = isStorageError(error, "TAG_UNKNOWN") ? error.cause : error;
      if (cached === undefined || !isUpstreamError(cause)) throw error;
      if (cause.code === "NOT_FOUND" && upstream.missing === "follow") {
        await registry
          .repository(name)
          .tags.delete(tag)
          .catch(() => undefined);
        throw error;
      }
      observer.stale?.(upstream.label, cause);
      return { digest: cached, stale: cause };
    }
  };

  return {
    async resolve(route, tag, options) {
      const { name, upstream } = route;
      const cached = await cachedTag(route, tag, options);
      const known = compared.get(`${name}:${tag}`);
      if (known !== undefined && known.digest === cached && now() - known.at < upstream.freshness) return cached;
      const work = () => resolveAnew(route, tag, cached);
      const { digest, stale } = await resolving.join(`${name}:${tag}`, work, options?.signal);
      if (stale !== undefined) options?.onStale?.(upstream.hidden ? "the upstream is unavailable" : stale.message);
      return digest;
    },

    async fetch(route, digest, options) {
      const { name, remote, upstream } = route;
      const key = `${name}@${digest}`;
      const known = unstored.get(key);
      if (known !== undefined) return known;
      const work = async (): Promise<StoredManifest> => {
        const question = () => upstream.client.fetchManifest(remote, digest);
        return keep(route, await refusals.through(`manifest ${key}`, question), []);
      };
      return orUnknownManifest(name, digest, fetching.join(key, work, options?.signal));
    },
  };
}
