import { Resources } from "@longshore/base/resources";
import { storageTarget, type CopyTarget } from "@longshore/mirror";
import { openRegistry, type Registry, type StorageDriver } from "@longshore/storage";
import type { Config } from "../config/config.js";
import type { Log } from "../observability/log.js";
import { immutableTagsOf, openConfiguredCaches } from "../open-storage.js";

/** This registry's storage as the target of copies. With `sparse` an index is taken though children of other platforms are missing. */
export async function openStorageTarget(
  config: Config,
  driver: StorageDriver,
  { log, sparse }: { readonly log: Log; readonly sparse: boolean },
): Promise<{ readonly target: CopyTarget; readonly registry: Registry; close(): Promise<void> }> {
  if (config.storage.maintenance.readonly.enabled) {
    throw new Error("storage.maintenance.readonly is enabled; nothing can be copied into this storage");
  }
  await using opened = new Resources();
  const caches = opened.add(await openConfiguredCaches(config, driver, log));
  const { validation } = config;
  const indexes = sparse ? { platforms: "none" as const, platformlist: [] } : validation.manifests.indexes;
  const registry = openRegistry(driver, {
    validation: { ...validation, manifests: { ...validation.manifests, indexes } },
    caches,
    immutable: immutableTagsOf(config),
    manifestCacheBytes: config.storage.cache.manifestbytes,
    tagConcurrency: config.storage.tag.concurrencylimit,
  });
  const resources = opened.move();
  return { target: storageTarget(registry), registry, close: () => resources.close() };
}
