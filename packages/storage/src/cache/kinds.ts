import { findKind } from "@longshore/options/kind";
import type { Caches } from "../contract/caches.js";
import { inmemoryCache } from "./inmemory-kind.js";
import type { CacheKind, CacheSettings } from "./kind.js";
import { NO_CACHES } from "./none.js";
import { redisCache } from "./redis/kind.js";

/** The caches: a new one is a file and a line here. */
export const CACHE_KINDS: readonly CacheKind[] = [inmemoryCache, redisCache];

/** Opens the caches of the kind `name`; none without a name. Throws RedisSettingError. */
export async function openCaches(name: string | undefined, settings: CacheSettings): Promise<Caches> {
  return name === undefined ? NO_CACHES : ((await findKind(CACHE_KINDS, name)?.open(settings)) ?? NO_CACHES);
}
