import {
  isStorageError,
  StorageError,
  type Descriptor,
  type Digest,
  type Page,
  type PageRequest,
  type ReferrerPage,
  type ReferrerStore,
  type Registry,
  type TagName,
} from "@longshore/storage";
import { LRUCache } from "lru-cache";
import type { MirrorObserver } from "../contract.js";
import { createSharedWork } from "../manifests/shared-work.js";
import type { Route } from "../routing.js";
import { readAllPages } from "../upstream/all-pages.js";
import { isUpstreamError } from "../upstream/errors.js";
import { orUnknownName } from "../upstream-errors.js";

/** What upstreams list. */
export interface Lists {
  /** The upstream's tags, by bytes; what is cached where the upstream fails. */
  tags(route: Route, page?: PageRequest): Promise<Page<TagName>>;
  /** The upstream's referrers of `subject`; what is cached, if anything, where the upstream fails. Throws UpstreamError. */
  referrers: (route: Route, subject: Digest, page?: Parameters<ReferrerStore["list"]>[1]) => Promise<ReferrerPage>;
}

/** Tags of a repository that are listed; a bound, not a page. */
const MOST_TAGS = 200_000;

/** For how long (ms) a list serves the pages that follow the first. */
const LIST_AGE = 30_000;

/** Items of all lists that are remembered. */
const REMEMBERED_ITEMS = 500_000;

export function createLists(registry: Registry, observer: MirrorObserver): Lists {
  const listing = createSharedWork<readonly TagName[]>();
  const referring = createSharedWork<readonly Descriptor[]>();
  const tags = new LRUCache<string, readonly TagName[]>({
    maxSize: REMEMBERED_ITEMS,
    sizeCalculation: (items) => items.length + 1,
    ttl: LIST_AGE,
  });
  const referrers = new LRUCache<string, readonly Descriptor[]>({
    maxSize: REMEMBERED_ITEMS,
    sizeCalculation: (items) => items.length + 1,
    ttl: LIST_AGE,
  });

  const allTags = async ({ upstream, name, remote }: Route): Promise<readonly TagName[]> => {
    const all = await readAllPages({
      host: upstream.client.host,
      what: "tags",
      page: (cursor) => upstream.client.tags(remote, { cursor }),
      most: MOST_TAGS,
      tooMany: () => new StorageError({ code: "UNSUPPORTED", operation: "listing so many tags" }),
    });
    // Tags are ASCII: by code units is by bytes.
    const sorted = [...all].sort((a, b) => (a < b ? -1 : 1));
    tags.set(name, sorted);
    return sorted;
  };

  /** Undefined where nothing is cached: then the upstream's failure is the answer. */
  const cachedTags = async ({ name }: Route, page: PageRequest): Promise<Page<TagName> | undefined> => {
    try {
      return await registry.repository(name).tags.list(page);
    } catch (error) {
      if (isStorageError(error, "NAME_UNKNOWN")) return undefined;
      throw error;
    }
  };

  return {
    async tags(route, page = {}) {
      const { name, upstream } = route;
      try {
        // A first page is asked for anew; those behind it are of the same list.
        const known = page.after === undefined ? undefined : tags.get(name);
        const all =
          known ??
          (await orUnknownName(
            name,
            listing.join(name, () => allTags(route), page.signal),
          ));
        return pageOf(all, page);
      } catch (error) {
        if (!isUpstreamError(error)) throw error;
        const cached = await cachedTags(route, page);
        if (cached === undefined) throw error;
        observer.stale?.(upstream.label, error);
        return cached;
      }
    },

    async referrers(route, subject, page = {}) {
      const { name, remote, upstream } = route;
      const key = `${name}@${subject}`;
      const ask = async (): Promise<readonly Descriptor[]> => {
        const found = await upstream.client.referrers(remote, subject);
        const sorted = [...found].sort((a, b) => (a.digest < b.digest ? -1 : 1));
        referrers.set(key, sorted);
        return sorted;
      };
      try {
        const known = page.after === undefined ? undefined : referrers.get(key);
        const all = known ?? (await referring.join(key, ask, page.signal));
        const { artifactType, after, limit } = page;
        const wanted = all.filter(
          (each) =>
            (artifactType === undefined || each.artifactType === artifactType) &&
            (after === undefined || each.digest > after),
        );
        const items = wanted.slice(0, limit);
        return { items, more: items.length < wanted.length };
      } catch (error) {
        if (!isUpstreamError(error)) throw error;
        const cached = await registry.repository(name).referrers.list(subject, page);
        if (error.code === "NOT_FOUND") return cached;
        // Who looks for a signature must not take it for an answer that none is here.
        if (cached.items.length === 0 && page.after === undefined) throw error;
        observer.stale?.(upstream.label, error);
        return cached;
      }
    },
  };
}

function pageOf(all: readonly TagName[], { after, limit }: PageRequest): Page<TagName> {
  const rest = after === undefined ? all : all.filter((tag) => tag > after);
  const items = rest.slice(0, limit);
  return { items, more: items.length < rest.length };
}
