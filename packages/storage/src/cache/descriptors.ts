import { LRUCache } from "lru-cache";
import type { CacheObserver, DescriptorCache, KnownBlob } from "../contract/caches.js";
import type { Digest } from "../model/digest.js";

/**
 * How long a size is trusted without asking (ms). A digest's bytes don't change, but a file that a crash of Distribution cut
 * off is replaced by a complete one, and other processes don't hear of it.
 */
const LIFETIME = 10 * 60 * 1000;

/** Caches at most `max` descriptors in this process, in front of `shared`. */
export function createDescriptorCache(
  max: number,
  shared: DescriptorCache,
  { lookup }: Pick<CacheObserver, "lookup"> = {},
): DescriptorCache {
  const known = new LRUCache<Digest, KnownBlob>({ max: Math.max(max, 1), ttl: LIFETIME });
  return {
    async get(digest) {
      const own = known.get(digest);
      const found = own ?? (await shared.get(digest));
      lookup?.(found !== undefined);
      if (own === undefined && found !== undefined) known.set(digest, found);
      return found;
    },
    set(digest, blob) {
      known.set(digest, blob);
      shared.set(digest, blob);
    },
    delete(digest) {
      known.delete(digest);
      shared.delete(digest);
    },
  };
}
