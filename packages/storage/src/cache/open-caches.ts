import type { CacheObserver, Caches } from "../contract/caches.js";
import { createDescriptorCache } from "./descriptors.js";
import { NO_CACHES } from "./none.js";
import type { RedisOptions } from "./redis/options.js";

/** Which caches a registry has beside the manifests that each process remembers. */
export interface CachesOptions {
  /** Descriptors that this process remembers; undefined: none. */
  readonly descriptors: number | undefined;
  /** What processes share; undefined: nothing. */
  readonly redis: RedisOptions | undefined;
  /** Bytes of the largest manifest that is kept in Redis; 0: none is. */
  readonly sharedManifestBytes: number;
  /** What tells the storage from every other (`storageId`). */
  readonly identify: () => Promise<string>;
  readonly observer?: CacheObserver | undefined;
}

/** Opens the caches; Redis's code is loaded when it is named. Throws RedisSettingError. */
export async function openCaches(options: CachesOptions): Promise<Caches> {
  const { redis, identify, sharedManifestBytes: manifestBytes, observer = {} } = options;
  const shared =
    redis === undefined
      ? NO_CACHES
      : await (await import("./redis/open.js")).openRedisCaches({ redis, identify, manifestBytes, observer });
  if (options.descriptors === undefined) return shared;
  return { ...shared, descriptors: createDescriptorCache(options.descriptors, shared.descriptors, observer) };
}
