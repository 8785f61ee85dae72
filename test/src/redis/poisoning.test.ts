import { createDriver, openRegistry, parseRepositoryName, type StorageDriver } from "@longshore/storage";
import { describePeers } from "@longshore/testkit/peers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { eventually, openReplica, pull, storeRandomBlob, storeImage, TAG, type Replica } from "./replicas.js";
import { startRedis, type RedisServer } from "./servers.js";

const MIB = 1024 * 1024;

describePeers("a Redis whose values another program has overwritten", ["redis"], () => {
  let redis: RedisServer;
  let driver: StorageDriver;
  let one: Replica;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  beforeEach(async () => {
    await redis.cli("flushall");
    driver = await createDriver("inmemory", {});
    one = await openReplica(driver, { addresses: [redis.address] });
  });
  afterEach(async () => {
    await one[Symbol.asyncDispose]();
    await driver.close();
  });

  /** An image and a blob, and their keys: links, descriptors and manifests. */
  async function fill() {
    const image = await storeImage(one.repository, TAG);
    const blob = await storeRandomBlob(one.repository);
    // The replica that pushed remembers the manifest itself.
    await using reader = await openReplica(driver, { addresses: [redis.address] });
    let keys: readonly string[] = [];
    await eventually(async () => {
      await pull(reader.repository);
      await reader.repository.blobs.stat(blob);
      keys = (await redis.cli("--scan")).split("\n");
      return ["l", "d", "m"].every((kind) => keys.some((key) => key.includes(`:${kind}:`)));
    });
    return { image, blob, keys };
  }

  const sentBytes = async (): Promise<number> =>
    Number(/total_net_output_bytes:([0-9]+)/.exec(await redis.cli("info", "stats"))?.[1]);

  it.each<[string, (key: string) => readonly string[]]>([
    ["garbage", (key) => ["set", key, "\u0001garbage"]],
    ["nothing", (key) => ["set", key, ""]],
    ["a list", (key) => ["lpush", key, "x"]],
    ["a link to another digest's form", (key) => ["set", key, "=sha256:../../etc/passwd"]],
    ["negative and huge numbers", (key) => ["set", key, key.includes(":d:") ? "-1 0" : "99999999999999999999 0"]],
  ])("%s: what is served is as in the storage", async (_what, poison) => {
    const { image, blob, keys } = await fill();
    for (const key of keys) {
      await redis.cli("del", key);
      await redis.cli(...poison(key));
    }
    await using fresh = await openReplica(driver, { addresses: [redis.address] });
    expect(await pull(fresh.repository)).toBe(image);
    expect(await fresh.repository.manifests.get(image)).toMatchObject({ digest: image });
    expect(await fresh.repository.blobs.stat(blob)).toMatchObject({ digest: blob, size: 100 });
    const moved = await storeImage(fresh.repository, TAG, "another");
    expect(await pull(fresh.repository)).toBe(moved);
  });

  it("values of 100 MiB: what is served is as in the storage, and they aren't fetched", async () => {
    const { image, blob, keys } = await fill();
    for (const key of keys) {
      await redis.cli("del", key);
      await redis.cli("setrange", key, String(100 * MIB), "x");
    }
    await using fresh = await openReplica(driver, { addresses: [redis.address] });
    const before = await sentBytes();
    expect(await pull(fresh.repository)).toBe(image);
    expect(await fresh.repository.manifests.get(image)).toMatchObject({ digest: image });
    expect(await fresh.repository.blobs.stat(blob)).toMatchObject({ digest: blob, size: 100 });
    expect((await sentBytes()) - before).toBeLessThan(MIB);
    await redis.cli("flushall");
  });

  it("the keys of another manifest or repository give no access to its content", async () => {
    const { image, keys } = await fill();
    const second = await storeImage(one.repository);
    const bytes = await one.repository.manifests.get(second);
    for (const key of keys.filter((each) => each.includes(":m:")))
      await redis.cli("set", key, Buffer.from(bytes.bytes).toString());
    await using fresh = await openReplica(driver, { addresses: [redis.address] });
    expect(await fresh.repository.manifests.get(image)).toMatchObject({ digest: image });
    const elsewhere = openRegistry(driver, { caches: fresh.caches }).repository(parseRepositoryName("team/other"));
    await expect(elsewhere.manifests.get(image)).rejects.toMatchObject({ code: "MANIFEST_UNKNOWN" });
  });

  it("a size that isn't the blob's: reading by it fails once, and then the size is as in the storage", async () => {
    const { blob, keys } = await fill();
    for (const lie of ["50 0", "1000 0"]) {
      for (const key of keys.filter((each) => each.includes(":d:"))) await redis.cli("set", key, lie);
      await using fresh = await openReplica(driver, { addresses: [redis.address] });
      const { size } = await fresh.repository.blobs.stat(blob);
      const range = { start: size - 10, end: size - 1, size };
      await expect(fresh.repository.blobs.open(blob, range)).rejects.toMatchObject({ code: "DRIVER_ERROR" });
      expect(await fresh.repository.blobs.stat(blob)).toMatchObject({ size: 100 });
      await using stream = await fresh.repository.blobs
        .open(blob, { start: 90, end: 99, size: 100 })
        .then((opened) => ({
          ...opened,
          [Symbol.asyncDispose]: () => opened.close(),
        }));
      expect(stream.size).toBe(100);
    }
  });
});
