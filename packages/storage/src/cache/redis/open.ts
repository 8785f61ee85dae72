import type { CacheObserver, Caches } from "../../contract/caches.js";
import { createBackground } from "../background.js";
import { createSharedLinks } from "../shared-links.js";
import { createSharedDescriptors, createSharedManifests } from "../shared-values.js";
import { createRedisClient } from "./client.js";
import { openConnection } from "./connection.js";
import { createRedisMemory, createRedisValues } from "./memory.js";
import { openNamespace } from "./namespace.js";
import type { RedisOptions } from "./options.js";

/** Entries that are being filled at a time; more are left out. */
const BACKGROUND = 256;

/** How long a start waits for Redis to be there, or not to be (ms). */
const PATIENCE = 1000;

/** What the shared caches are made of. */
export interface RedisCachesOptions {
  readonly redis: RedisOptions;
  /** What tells the storage from every other; asked until it is known, and now and then afterwards. */
  readonly identify: () => Promise<string>;
  /** Bytes of the largest manifest that is kept there; 0: none is. */
  readonly manifestBytes: number;
  readonly observer: CacheObserver;
  /** How long links are remembered (ms); the same in all processes, so it is for tests alone. */
  readonly lifetime?: number | undefined;
}

/**
 * Caches in Redis. Resolves whether it is there or not: while it is away everything is asked of the storage. Throws
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
  await inTime(Promise.all([told, namespace.known]), PATIENCE);

  const background = createBackground(BACKGROUND);
  const keyOf = (kind: "l" | "d" | "m") => (key: string) => `longshore:1:${namespace.current()}:${kind}:${key}`;
  const membership = createRedisMemory(connection, keyOf("l"), { ask: "RepoStat", fill: "RepoSetDescriptor" });
  const tags = createRedisMemory(connection, keyOf("l"), { ask: "TagStat", fill: "TagSet" });
  const sizes = createRedisValues(connection, keyOf("d"), { get: "Stat", set: "SetDescriptor" });
  const manifests = createRedisValues(connection, keyOf("m"), { get: "ManifestGet", set: "ManifestSet" });
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

async function inTime(work: Promise<unknown>, limit: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise<void>((resolve) => (timer = setTimeout(resolve, limit)))]);
  clearTimeout(timer);
}
