import { createHash, randomBytes } from "node:crypto";
import {
  OCI_MANIFEST,
  OCTET_STREAM,
  observeDriver,
  openCaches,
  openRegistry,
  parseDigest,
  parseRepositoryName,
  parseTagName,
  storageId,
  type CacheOperation,
  type Caches,
  type Digest,
  type RedisOptions,
  type Repository,
  type StorageDriver,
} from "@longshore/storage";
import { storeBlob } from "@longshore/testkit/store-blob";

export const NAME = parseRepositoryName("team/app");
export const TAG = parseTagName("latest");

/** A process's registry over a storage that others use, too, with its caches. */
export interface Replica extends AsyncDisposable {
  readonly repository: Repository;
  readonly caches: Caches;
  /** Calls of the storage since the last question. */
  storageCalls(): number;
  /** What the caches told of Redis: whether it is there, in order. */
  readonly states: readonly { readonly available: boolean; readonly reason: string }[];
  readonly operations: ReadonlySet<CacheOperation>;
  failures(): number;
  /** Resolves when Redis is there, or isn't. */
  until(available: boolean): Promise<void>;
}

/** How a Redis is reached where a test says nothing. */
export const REDIS: Omit<RedisOptions, "addresses"> = {
  mode: "single",
  database: 0,
  sendIdentity: true,
  protocol: 3,
  connectTimeout: 2000,
  // A busy machine isn't an outage.
  commandTimeout: 1000,
  reconnect: { min: 20, max: 100 },
  maxRedirections: 3,
  tls: undefined,
};

export async function openReplica(
  driver: StorageDriver,
  redis: Partial<RedisOptions> & Pick<RedisOptions, "addresses">,
): Promise<Replica> {
  let calls = 0;
  let failures = 0;
  const counted = observeDriver(driver, {
    call: () => void (calls += 1),
    bytes: () => undefined,
    open: (_kind, change) => void (calls += change > 0 ? 1 : 0),
  });
  const states: { available: boolean; reason: string }[] = [];
  const operations = new Set<CacheOperation>();
  const waiting = new Set<() => void>();
  const caches = await openCaches("redis", {
    descriptors: 1000,
    redis: { ...REDIS, ...redis },
    sharedManifestBytes: 65_536,
    identify: () => storageId(driver, { settle: 0 }),
    observer: {
      call: (operation) => void operations.add(operation),
      failed: () => void (failures += 1),
      state(available, reason) {
        states.push({ available, reason });
        for (const each of waiting) each();
      },
    },
  });
  const registry = openRegistry(counted, { caches });
  return {
    repository: registry.repository(NAME),
    caches,
    states,
    operations,
    storageCalls() {
      const since = calls;
      calls = 0;
      return since;
    },
    failures: () => failures,
    async until(available) {
      while (states.at(-1)?.available !== available) {
        await new Promise<void>((resolve) => {
          const listener = () => {
            waiting.delete(listener);
            resolve();
          };
          waiting.add(listener);
        });
      }
    },
    [Symbol.asyncDispose]: () => caches.close(),
  };
}

/** Stores a blob of random bytes. */
export async function storeRandomBlob(repository: Repository, bytes: Uint8Array = randomBytes(100)): Promise<Digest> {
  const digest = parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  await storeBlob(repository, digest, bytes);
  return digest;
}

/** Pushes a manifest that is new, and tags it. */
export async function storeImage(repository: Repository, ...tags: readonly string[]): Promise<Digest> {
  const config = await storeRandomBlob(repository, new TextEncoder().encode("{}"));
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCTET_STREAM, digest: config, size: 2 },
    layers: [],
    annotations: { number: randomBytes(8).toString("hex") },
  };
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const push = { bytes, mediaType: OCI_MANIFEST, tags: tags.map(parseTagName) };
  return (await repository.manifests.put(push)).descriptor.digest;
}

/** What a client that pulls by tag is given, as the API asks for it. */
export async function pull({ tags, manifests }: Repository): Promise<Digest> {
  return (await manifests.get(await tags.resolve(TAG), { tagged: true })).digest;
}

/** Lets what is done behind callers' backs, such as filling a cache, come to its end: `check` says that it did. */
export async function eventually(check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error("it never came to that");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
