import { openRecords, type Digest, type Registry, type StorageDriver } from "@longshore/storage";
import { createBlobCache } from "../blobs/blob-cache.js";
import { createClaims } from "../blobs/claims.js";
import { openSpool } from "../blobs/spool.js";
import type { ContentKind, MirrorObserver } from "../contract.js";
import { createCatalog } from "../lists/catalog.js";
import { createLists } from "../lists/lists.js";
import { createManifestCache } from "../manifests/manifest-cache.js";
import { createRefusals } from "../refusals.js";
import type { UsageLog } from "../retention/usage-log.js";
import type { Route, Routing } from "../routing.js";
import { createMirroredRepository } from "./mirrored-repository.js";
import { NO_REMOVAL } from "./refusing.js";

export interface MirrorSettings {
  readonly routing: Routing;
  readonly driver: StorageDriver;
  readonly observer: MirrorObserver;
  /** Keeps account of what is cached and used; closed with the mirror. */
  readonly usage: Pick<UsageLog, "note" | "close">;
  /** For how long (ms) an upstream's refusal is remembered; 0: not at all. */
  readonly refusalAge: number;
  /** For how long (ms) a download goes on when its last client has left (`proxy.cachewritetimeout`). */
  readonly linger: number;
  /** For how long (ms) a client waits for a blob that another machine downloads, before this one does so as well. */
  readonly patience: number;
  /** A local directory for downloads, where the storage has no real files. */
  readonly directory: string;
}

/** A registry with repositories of its own beside those that come from upstreams. */
export interface MirrorRegistry extends Registry {
  /** Waits for the downloads that are under way, and closes the upstreams. The driver stays the caller's. */
  close(): Promise<void>;
}

/** Decorates `registry`, which holds what is cached and what is our own. */
export async function mirrorRegistry(registry: Registry, settings: MirrorSettings): Promise<MirrorRegistry> {
  const { routing, driver, observer, usage } = settings;
  const spool = await openSpool(driver, registry, settings.directory);
  const refusals = createRefusals(settings.refusalAge);
  const blobs = createBlobCache({
    registry,
    driver,
    spool,
    claims: createClaims(openRecords(driver)),
    patience: settings.patience,
    refusals,
    observer,
    linger: settings.linger,
    onStored: ({ name }, digest) => usage.note(name, "blob", digest),
  });
  const manifests = createManifestCache({
    registry,
    refusals,
    observer,
    now: Date.now,
    onStored: ({ name }, digest) => usage.note(name, "manifest", digest),
  });
  const lists = createLists(registry, observer);
  const now = (): number => performance.now();
  const repositories = createCatalog({ registry, routing, observer, refusalAge: settings.refusalAge, now });
  const onUsed = ({ name }: Route, kind: ContentKind, digest: Digest): void => usage.note(name, kind, digest);
  return {
    repository: (name) => {
      const route = routing.routeOf(name);
      const cached = registry.repository(name);
      return route === undefined
        ? cached
        : createMirroredRepository(route, cached, { blobs, manifests, lists, observer, onUsed });
    },
    repositories,
    remove: async (name, options) => {
      if (routing.routeOf(name)?.upstream.deletable === false) return NO_REMOVAL();
      return registry.remove(name, options);
    },
    close: async () => {
      await Promise.all(routing.upstreams.map(({ client }) => client.close()));
      await blobs.settle();
      await spool.close();
      await usage.close();
    },
  };
}
