import {
  isObjectStorage,
  openCaches,
  storageId,
  type CacheObserver,
  type Caches,
  type RedisOptions,
  type StorageDriver,
} from "@longshore/storage";
import type { Config, RedisConfig } from "./config/config.js";
import type { Log } from "./observability/log.js";

/** The caches that the configuration asks for. Throws RedisSettingError. */
export function openConfiguredCaches(
  { redis, storage }: Pick<Config, "redis" | "storage">,
  driver: StorageDriver,
  log: Log,
  metrics: Pick<CacheObserver, "lookup" | "call" | "failed"> = {},
): Promise<Caches> {
  const { blobdescriptor, blobdescriptorsize, sharedmanifestsize } = storage.cache;
  // A file system tells a size as fast as memory does, and it is always right.
  const remembers = blobdescriptor !== undefined && isObjectStorage(driver);
  return openCaches({
    descriptors: remembers ? blobdescriptorsize : undefined,
    redis: blobdescriptor === "redis" && redis !== undefined ? reveal(redis) : undefined,
    sharedManifestBytes: sharedmanifestsize,
    identify: () => storageId(driver, { create: !storage.maintenance.readonly.enabled }),
    observer: { ...metrics, state: (available, reason) => tell(log, available, reason) },
  });
}

function tell(log: Log, available: boolean, reason: string): void {
  if (available) log.info("redis is available");
  else log.warn("redis is not available: the storage answers until it is, and changes take longer", { reason });
}

function reveal(redis: RedisConfig): RedisOptions {
  return {
    ...redis,
    password: redis.password?.reveal(),
    sentinelPassword: redis.sentinelPassword?.reveal(),
  };
}
