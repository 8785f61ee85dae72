import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { statOf } from "@longshore/base/directory";
import type { Resources } from "@longshore/base/resources";
import { MIB } from "@longshore/base/size";
import type { ActivityRecorder, Inventory, LayerLists, OpenInventory } from "@longshore/inventory";
import { immutableTags } from "@longshore/policy";
import {
  createsExclusively,
  DriverParameterError,
  isObjectStorage,
  NOTHING_IMMUTABLE,
  observeDriver,
  openCaches,
  openRecords,
  openRegistry,
  storageId,
  type CacheObserver,
  type Caches,
  type ChosenDriver,
  type ImmutableTags,
  type RedisOptions,
  type Registry,
  type StorageDriver,
} from "@longshore/storage";
import type { Config, RedisConfig } from "./config/config.js";
import type { StorageMetrics } from "./metrics/storage-metrics.js";
import { errorFields, silentLog, type Log } from "./observability/log.js";

/** The configured driver alone, for work beside the API such as health checks and upload purging. */
export async function openDriver({ storage }: Config, metrics?: StorageMetrics): Promise<StorageDriver> {
  const driver = await storage.driver.open();
  return metrics === undefined ? driver : observeDriver(driver, metrics.driver(driver.name));
}

/** The driver with `middleware.storage` around it, in the order of the file. Throws an Error that names the entry. */
export async function openDriverWithMiddleware(
  config: Config,
  log: Log,
  metrics?: StorageMetrics,
): Promise<StorageDriver> {
  let outermost = await openDriver(config, metrics);
  for (const { index, middleware } of config.middleware.storage) {
    try {
      outermost = await middleware.apply(outermost, { warn: (message) => log.warn(message) });
    } catch (error) {
      await outermost.close();
      if (!(error instanceof DriverParameterError)) throw error;
      const place = `middleware.storage[${index}].options.${error.parameter ?? ""}`;
      throw new Error(`${place}: ${error.message}`, { cause: error });
    }
  }
  return outermost;
}

/** The configured caches. Throws RedisSettingError. */
export function openConfiguredCaches(
  { redis, storage }: Pick<Config, "redis" | "storage">,
  driver: StorageDriver,
  log: Log,
  metrics: CacheObserver = {},
): Promise<Caches> {
  const { blobdescriptor, blobdescriptorsize, sharedmanifestsize } = storage.cache;
  // A file system returns a size as fast as memory does, and it is always right.
  const remembers = blobdescriptor !== undefined && isObjectStorage(driver);
  return openCaches(blobdescriptor, {
    descriptors: remembers ? blobdescriptorsize : undefined,
    redis: redis === undefined ? undefined : revealRedis(redis),
    sharedManifestBytes: sharedmanifestsize,
    identify: () => storageId(driver, { create: !storage.maintenance.readonly.enabled }),
    observer: {
      ...metrics,
      state(available, reason) {
        metrics.state?.(available, reason);
        reportAvailability(log, available, reason);
      },
    },
  });
}

function reportAvailability(log: Log, available: boolean, reason: string): void {
  if (available) log.info("redis is available");
  else
    log.warn("redis is not available: until it is, the storage is used instead, and changes take longer", { reason });
}

/** The Redis that the caches connect to, including passwords. */
export function revealRedis(redis: RedisConfig): RedisOptions {
  return {
    ...redis,
    password: redis.password?.reveal(),
    sentinelPassword: redis.sentinelPassword?.reveal(),
  };
}

/** An inventory, and who is to be told of pushes and pulls; undefined if these aren't recorded. */
export interface KeptInventory extends OpenInventory {
  readonly activity: ActivityRecorder | undefined;
  readonly layerLists: LayerLists;
  close(): Promise<void>;
}

/** The repositories on a storage, for work beside the API. */
export interface Stored {
  readonly caches: Caches;
  readonly registry: Registry;
  readonly inventory: Inventory;
}

/**
 * Opens the repositories on `driver` beside the registries that serve them, whose shared caches learn of changes. `policy.immutable`
 * holds here, too. With `learns`, what is read of manifests is written down for all processes, if this one may.
 */
export async function openStored(
  config: Config,
  driver: StorageDriver,
  opened: Resources,
  log: Pick<Log, "warn">,
  { learns = false }: { readonly learns?: boolean } = {},
): Promise<Stored> {
  const caches = opened.add(await openConfiguredCaches(config, driver, { ...silentLog, warn: log.warn.bind(log) }));
  const registry = openRegistry(driver, {
    validation: config.validation,
    caches,
    immutable: immutableTagsOf(config),
    manifestCacheBytes: config.storage.cache.manifestbytes,
    maxManifestBytes: config.http.limits.manifestsize,
    tagConcurrency: config.storage.tag.concurrencylimit,
  });
  const role = {
    serves: false,
    learns: learns && config.inventory.enabled && (await ownsFiles(config.storage.driver)),
  };
  const kept = opened.add(await keepInventory(config, registry, driver, log, role));
  // Where no process keeps one, none needs to be told.
  return { caches, inventory: kept.inventory, registry: config.inventory.enabled ? kept.registry : registry };
}

/**
 * Whether what this process writes belongs to the user who wrote what is there: a registry that serves as another user couldn't replace
 * it. Always where there are no files.
 */
async function ownsFiles({ directory }: ChosenDriver): Promise<boolean> {
  if (directory === undefined) return true;
  const info = await statOf(join(directory, "docker/registry/v2/repositories"));
  return typeof info === "object" && info.uid === process.geteuid?.();
}

/** Pages of the catalog take no more of `inventory.cachebytes`: names of 50,000 repositories. */
const CATALOG_BYTES = 8 * MIB;

/**
 * The inventory of `registry`, and the registry that tells all processes of what is changed through it. What is read
 * of manifests is written down by processes that serve, and by one that `learns`; who pulls only by those that serve.
 */
export async function keepInventory(
  {
    http,
    storage,
    inventory: { cachebytes, activityinterval, activityitems, layerlists, historydays },
  }: Pick<Config, "http" | "inventory" | "storage">,
  registry: Registry,
  driver: StorageDriver,
  log: Pick<Log, "warn">,
  { serves, learns = serves }: { readonly serves: boolean; readonly learns?: boolean },
): Promise<KeptInventory> {
  const { keepCatalog, openActivity, openInventory, openLayerLists } = await import("@longshore/inventory");
  const processId = randomUUID();
  const isWritable = !storage.maintenance.readonly.enabled;
  const isRecorded = serves && isWritable && activityinterval > 0;
  const activity = openActivity(driver, {
    processId,
    interval: activityinterval,
    maxItems: activityitems,
    role: isRecorded ? "records" : serves && isWritable ? "denies" : "reads",
    onTrouble: (error) => {
      log.warn("inventory: who pushed and pulled can't be written down, or read", errorFields(error));
    },
  });
  const options = {
    processId,
    activity,
    maxManifestBytes: http.limits.manifestsize,
    onUntold: (error: unknown) => {
      log.warn("inventory: other processes couldn't be told of a change; they will find it later", errorFields(error));
    },
  };
  const catalogBytes = Math.min(cachebytes / 2, CATALOG_BYTES);
  void activity.begin();
  const opened = openInventory(registry, driver, {
    ...options,
    maxBytes: cachebytes - catalogBytes,
    keeps: learns && isWritable,
    historyDays: historydays,
    onTrouble: (error) => {
      log.warn("inventory: what was read of manifests, or counted, can't be written down, or read", errorFields(error));
    },
  });
  const layerLists = openLayerLists(driver, {
    maxBytes: layerlists,
    keeps: serves && isWritable,
    onTrouble: (error) => {
      log.warn("inventory: lists of the files in layers can't be kept, or read", errorFields(error));
    },
    clock: () => performance.now(),
  });
  return {
    layerLists,
    inventory: opened.inventory,
    registry: keepCatalog(opened.registry, driver, { ...options, maxBytes: catalogBytes }),
    activity: isRecorded ? activity : undefined,
    close: async () => void (await Promise.all([opened.close(), activity.close(), layerLists.close()])),
  };
}

/** Says that pulls aren't recorded where no inventory is kept, until it is closed: others may apply `policy.retention`. */
export async function denyRecording(
  { storage }: Pick<Config, "storage">,
  driver: StorageDriver,
  log: Pick<Log, "warn">,
): Promise<{ close(): Promise<void> }> {
  const { openActivity } = await import("@longshore/inventory");
  const activity = openActivity(driver, {
    processId: randomUUID(),
    interval: 0,
    maxItems: 0,
    role: storage.maintenance.readonly.enabled ? "reads" : "denies",
    onTrouble: (error) => {
      log.warn("inventory: others can't be told that pulls aren't recorded here", errorFields(error));
    },
  });
  void activity.begin();
  return activity;
}

/**
 * `registry` with `policy.quota`. What the pull-through cache holds doesn't count: `proxy.maxbytes` bounds it. Throws if the storage
 * can't keep records.
 */
export async function limitQuotas(
  { policy, proxy, storage }: Pick<Config, "policy" | "proxy" | "storage">,
  registry: Registry,
  inventory: Inventory | undefined,
  driver: StorageDriver,
  log: Log,
): Promise<Registry> {
  if (policy.quota.length === 0 || inventory === undefined) return registry;
  const { openQuotas } = await import("./quota/open-quotas.js");
  return openQuotas(registry, {
    rules: policy.quota,
    isExempt: mirroredBy(proxy),
    inventory,
    records: openRecords(driver),
    unreferencedFor: storage.maintenance.gc.graceperiod,
    onNear: (warning) => log.warn(warning),
  });
}

/** Whether the pull-through cache has the repository. */
function mirroredBy(proxy: Config["proxy"]): (name: string) => boolean {
  const prefixes = proxy?.upstreams.map(({ prefix }) => prefix) ?? [];
  return (name) => prefixes.some((prefix) => prefix === "" || name.startsWith(`${prefix}/`));
}

/**
 * The tags that `policy.immutable` keeps. What the pull-through cache holds isn't among them: its tags follow their upstream, and no
 * client moves them.
 */
export function immutableTagsOf({ policy, proxy }: Pick<Config, "policy" | "proxy">): ImmutableTags {
  if (policy.immutable.length === 0) return NOTHING_IMMUTABLE;
  const isMirrored = mirroredBy(proxy);
  return (name) => (isMirrored(name) ? undefined : immutableTags(policy.immutable, name));
}

/** Says so if the storage can't keep two pushes at the same moment from setting one immutable tag. Never throws. */
export async function warnOfRaces(
  { policy, storage }: Pick<Config, "policy" | "storage">,
  driver: StorageDriver,
  log: Log,
  isToSay = true,
): Promise<void> {
  if (!isToSay || policy.immutable.length === 0 || storage.maintenance.readonly.enabled) return;
  try {
    if (await createsExclusively(driver)) return;
    log.warn(
      "policy.immutable: this storage has no conditional writes: of two pushes that set an immutable tag at the same moment both can be acknowledged, and the later one has it; a service with If-None-Match prevents that",
    );
  } catch (error) {
    log.warn("policy.immutable: can't try whether the storage has conditional writes", errorFields(error));
  }
}
