import { withTimeout } from "@longshore/base/timeout";
import type { CacheObserver, Caches } from "../../contract/caches.js";
import { createBackground } from "../background.js";
import { createSharedLinks } from "../shared-links.js";
import { createSharedDescriptors, createSharedManifests } from "../shared-values.js";
import { createRedisClient } from "./client.js";
import { openConnection } from "./connection.js";
import { createRedisMemory, createRedisValues } from "./memory.js";
import { openNamespace } from "./namespace.js";
import type { RedisOptions } from "./options.js";

/** Entries that are filled at a time; further ones are skipped. */
const BACKGROUND = 256;

/** Bytes of the longest descriptor: two numbers. */
const DESCRIPTOR_BYTES = 64;

/** How long a start waits to learn whether Redis is available (ms). */
const PATIENCE = 1000;

/** Options of the shared caches. */
export interface RedisCachesOptions {
  readonly redis: RedisOptions;
  /** Reads the storage's id; called until it is known, and occasionally afterwards. */
  readonly identify: () => Promise<string>;
  /** Bytes of the largest manifest that is cached; 0 disables caching of manifests. */
  readonly manifestBytes: number;
  readonly observer: CacheObserver;
  /** How long links are cached (ms); must be the same in all processes, so it is for tests only. */
  readonly lifetime?: number | undefined;
}

/**
 * Caches in Redis. Resolves even if it is unavailable: everything is then read from the storage. Throws
 * RedisSettingError for files that can't be read.
 */
export async function openRedisCaches(options: RedisCachesOptions): Promise<Caches> {
  const { observer } = options;
  const client = await createRedisClient(options.redis);
  const { promise: told, resolve: tell } = promiseOf();
  const connection = openConnection(client, {
    commandTimeout: options.redis.commandTimeout,
    observer: {
      ...observer,
      state(available, reason) {
        observer.state?.(available, reason);
        tell();
      },
    },
  });
  const namespace = openNamespace(options.identify);
  await withTimeout(Promise.all([told, namespace.known]), PATIENCE, () => undefined);

  const background = createBackground(BACKGROUND);
  const keyOf = (kind: "l" | "d" | "m") => (key: string) => `longshore:1:${namespace.current()}:${kind}:${key}`;
  const membership = createRedisMemory(connection, keyOf("l"), { ask: "RepoStat", fill: "RepoSetDescriptor" });
  const tags = createRedisMemory(connection, keyOf("l"), { ask: "TagStat", fill: "TagSet" });
  const sizes = createRedisValues(connection, keyOf("d"), {
    get: "Stat",
    set: "SetDescriptor",
    maxBytes: DESCRIPTOR_BYTES,
  });
  const manifests = createRedisValues(connection, keyOf("m"), {
    get: "ManifestGet",
    set: "ManifestSet",
    maxBytes: options.manifestBytes,
  });
  return {
    links: createSharedLinks({
      memory: (kind) => (kind === "tag" ? tags : membership),
      background,
      lookup: observer.lookup,
      lifetime: options.lifetime,
    }),
    descriptors: createSharedDescriptors(sizes, background),
    manifests: createSharedManifests(manifests, background, options.manifestBytes),
    async close() {
      namespace.close();
      connection.close();
      await background.idle();
    },
  };
}

function promiseOf(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
