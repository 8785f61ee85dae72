import { openSharedChannels, storageId, type StorageDriver } from "@longshore/storage";
import type { Config } from "./config/config.js";
import type { Log } from "./observability/log.js";
import { revealRedis } from "./open-storage.js";
import type { RegistryActivity } from "./activity/registry-activity.js";
import type { ReplicaExchange } from "./activity/replica-exchange.js";

/** What an exchange with other replicas needs besides the configuration. */
export interface ReplicaPorts {
  /** Undefined: nobody may watch. */
  readonly activity: RegistryActivity | undefined;
  readonly driver: StorageDriver;
  /** This replica's id. */
  readonly instance: string;
  readonly log: Log;
}

/**
 * Joins this registry's activity with that of other replicas over the same storage, where Redis is configured; the caller closes it. Throws
 * RedisSettingError.
 */
export async function composeReplicas(
  { redis, storage }: Config,
  { activity, driver, instance, log }: ReplicaPorts,
): Promise<ReplicaExchange | undefined> {
  if (redis === undefined || activity === undefined) return undefined;
  const channels = await openSharedChannels({
    redis: revealRedis(redis),
    identify: () => storageId(driver, { create: !storage.maintenance.readonly.enabled }),
  });
  const exchange = await import("./activity/replica-exchange.js");
  return activity.share((listener) => new exchange.ReplicaExchange(listener, { replica: instance, channels, log }));
}
