import {
  createDriver,
  isStorageError,
  openRegistry,
  parseDigest,
  parseRepositoryName,
  splitDigest,
  type Digest,
  type StorageDriver,
} from "@longshore/storage";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { eventually, NAME, openReplica, pull, storeRandomBlob, storeImage, TAG, type Replica } from "./replicas.js";
import { startRedis, type RedisServer } from "./servers.js";

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "nothing",
    (error: unknown) => (isStorageError(error) ? error.code : String(error)),
  );

describePeers("two replicas with one Redis", ["redis"], () => {
  let redis: RedisServer;
  let driver: StorageDriver;
  let one: Replica;
  let other: Replica;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  beforeEach(async () => {
    driver = await createDriver("inmemory", {});
    one = await openReplica(driver, { addresses: [redis.address] });
    other = await openReplica(driver, { addresses: [redis.address] });
  });
  afterEach(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await driver.close();
  });

  it("a pull of something that another replica has just served makes no call to the storage", async () => {
    const digest = await storeImage(one.repository, TAG);
    // Fills nothing that a change takes away again, and leaves no filling behind.
    await eventually(async () => {
      one.storageCalls();
      await pull(one.repository);
      return one.storageCalls() === 0;
    });
    await eventually(async () => {
      other.storageCalls();
      expect(await pull(other.repository)).toBe(digest);
      return other.storageCalls() === 0;
    });
    const third = await openReplica(driver, { addresses: [redis.address] });
    expect(await pull(third.repository)).toBe(digest);
    expect(third.storageCalls()).toBe(0);
    expect(await third.repository.manifests.get(digest)).toMatchObject({ digest });
    expect(third.storageCalls()).toBe(0);
    expect(third.operations).toEqual(new Set(["TagStat", "RepoStat", "ManifestGet"]));
    await third[Symbol.asyncDispose]();
  });

  it("a blob that another replica described a moment ago costs none either", async () => {
    const digest = await storeRandomBlob(one.repository);
    await eventually(async () => {
      one.storageCalls();
      await one.repository.blobs.stat(digest);
      return one.storageCalls() === 0;
    });
    other.storageCalls();
    expect(await other.repository.blobs.stat(digest)).toMatchObject({ digest, size: 100 });
    expect(other.storageCalls()).toBe(0);
  });

  it("a tag that was moved points to the new manifest everywhere, as soon as the push is acknowledged", async () => {
    for (let times = 0; times < 50; times += 1) {
      const digest = await storeImage(times % 2 === 0 ? one.repository : other.repository, TAG);
      expect(await Promise.all([pull(one.repository), pull(other.repository)])).toEqual([digest, digest]);
    }
  });

  it("what was deleted is gone everywhere, as soon as that is acknowledged", async () => {
    const digest = await storeImage(one.repository, TAG, "second");
    const blob = await storeRandomBlob(one.repository);
    for (const { repository } of [one, other]) {
      await pull(repository);
      await repository.manifests.get(digest);
      await repository.blobs.stat(blob);
    }
    await one.repository.tags.delete(TAG);
    await one.repository.blobs.delete(blob);
    expect(await codeOf(other.repository.tags.resolve(TAG))).toBe("TAG_UNKNOWN");
    expect(await codeOf(other.repository.blobs.stat(blob))).toBe("BLOB_UNKNOWN");
    expect(await codeOf(other.repository.blobs.open(blob))).toBe("BLOB_UNKNOWN");
    expect(await other.repository.manifests.get(digest)).toMatchObject({ digest });
    await other.repository.manifests.delete(digest);
    expect(await codeOf(one.repository.manifests.get(digest))).toBe("MANIFEST_UNKNOWN");
    expect(await codeOf(one.repository.tags.list())).toBe("NAME_UNKNOWN");
  });

  it("a blob of another repository stays unknown here, whatever is remembered", async () => {
    const digest = await storeRandomBlob(one.repository);
    await one.repository.blobs.stat(digest);
    const elsewhere = openRegistry(driver, { caches: one.caches }).repository(parseRepositoryName("team/other"));
    expect(await codeOf(elsewhere.blobs.stat(digest))).toBe("BLOB_UNKNOWN");
    expect(await codeOf(elsewhere.manifests.get(digest))).toBe("MANIFEST_UNKNOWN");
  });

  it("a registry over another storage in the same Redis sees nothing of this one", async () => {
    const digest = await storeImage(one.repository, TAG);
    await pull(one.repository);
    const elsewhere = await createDriver("inmemory", {});
    const stranger = await openReplica(elsewhere, { addresses: [redis.address] });
    expect(await codeOf(stranger.repository.tags.resolve(TAG))).toBe("TAG_UNKNOWN");
    expect(await codeOf(stranger.repository.manifests.get(digest))).toBe("MANIFEST_UNKNOWN");
    await stranger[Symbol.asyncDispose]();
    await elsewhere.close();
  });

  it("a tag that points to a manifest deleted by an old registry doesn't give access to it", async () => {
    const digest = await storeImage(one.repository, TAG);
    const { hex } = splitDigest(digest);
    await driver.delete(`/docker/registry/v2/repositories/${NAME}/_manifests/revisions/sha256/${hex}/link`);
    const fresh = await openReplica(driver, { addresses: [redis.address] });
    expect(await codeOf(pull(fresh.repository))).toBe("MANIFEST_UNKNOWN");
    await fresh[Symbol.asyncDispose]();
  });

  it("many clients that push and pull one tag at once never get what an acknowledged push had replaced", async () => {
    const order: Digest[] = [];
    const watched: StorageDriver = new Proxy(driver, {
      get(target, property) {
        const member: unknown = Reflect.get(target, property);
        if (property !== "write" || typeof member !== "function") return member;
        return async (path: string, bytes: Uint8Array, ...rest: readonly unknown[]): Promise<unknown> => {
          const result: unknown = await Reflect.apply(member, target, [path, bytes, ...rest]);
          if (path.endsWith(`/${TAG}/current/link`)) order.push(parseDigest(new TextDecoder().decode(bytes)));
          return result;
        };
      },
    });
    const replicas = await Promise.all(
      Array.from({ length: 3 }, () => openReplica(watched, { addresses: [redis.address] })),
    );
    const images = await Promise.all(Array.from({ length: 60 }, () => storeImage(one.repository)));
    await one.repository.tags.set(TAG, await storeImage(one.repository));
    let acknowledged = -1;
    const stale: string[] = [];
    const position = (digest: Digest) => order.indexOf(digest);
    const writers = replicas.map(async ({ repository }, index) => {
      for (let times = 0; times < 20; times += 1) {
        const digest = images[times * 3 + index];
        if (digest === undefined) throw new Error("no such image");
        await repository.tags.set(TAG, digest);
        acknowledged = Math.max(acknowledged, position(digest));
      }
    });
    let isDone = false;
    const readers = replicas.flatMap(({ repository }) =>
      Array.from({ length: 3 }, async () => {
        while (!isDone) {
          const least = acknowledged;
          const digest = await repository.tags.resolve(TAG);
          if (position(digest) < least) stale.push(digest);
        }
      }),
    );
    await Promise.all(writers);
    isDone = true;
    await Promise.all(readers);
    expect(stale).toEqual([]);
    expect(order.length).toBeGreaterThan(20);
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  });

  it("every key is ours, and expires", async () => {
    await storeImage(one.repository, TAG);
    await pull(one.repository);
    const keys = (await redis.cli("--scan")).split("\n");
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key).toMatch(/^longshore:1:[0-9a-f]{32}:[ldm]:/);
      expect(Number(await redis.cli("pttl", key))).not.toBe(-1);
    }
  });
});
