import { createDriver, openSharedChannels, type StorageDriver } from "@longshore/storage";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { freePort } from "@longshore/testkit/loopback";
import { run } from "@longshore/testkit/processes";
import { eventually, openReplica, pull, REDIS, storeImage, TAG, type Replica } from "./replicas.js";
import { startRedis, type RedisServer } from "./servers.js";

const MASTER = "registry-master";

/** Whether a pull asks Redis alone. */
async function isCached(replica: Replica): Promise<boolean> {
  replica.storageCalls();
  await pull(replica.repository);
  return replica.storageCalls() === 0;
}

describePeers("Redis with sentinels", ["redis", "redis-sentinel"], () => {
  let driver: StorageDriver;
  const servers: RedisServer[] = [];
  beforeEach(async () => {
    driver = await createDriver("inmemory", {});
  });
  afterEach(async () => {
    for (const server of servers.splice(0).reverse()) await server[Symbol.asyncDispose]();
    await driver.close();
  });

  it("continues with the new master when the old one is gone, and clients notice only the delay", async () => {
    const password = "geheim";
    const login = ["-a", password, "--no-auth-warning"];
    const secured = [`requirepass ${password}`, `masterauth ${password}`];
    const master = await startRedis({ config: secured, login });
    servers.push(master);
    const replica = await startRedis({ config: [...secured, `replicaof 127.0.0.1 ${master.port}`], login });
    servers.push(replica);
    await eventually(async () => (await replica.cli("info", "replication")).includes("master_link_status:up"));
    const sentinel = await startRedis({
      program: "redis-sentinel",
      config: [
        "requirepass wache",
        `sentinel monitor ${MASTER} 127.0.0.1 ${master.port} 1`,
        `sentinel auth-pass ${MASTER} ${password}`,
        `sentinel down-after-milliseconds ${MASTER} 1000`,
        `sentinel failover-timeout ${MASTER} 5000`,
      ],
      login: ["-a", "wache", "--no-auth-warning"],
    });
    servers.push(sentinel);
    await eventually(async () => (await sentinel.cli("sentinel", "master", MASTER)).includes("num-slaves\n1"));

    await using registry = await openReplica(driver, {
      addresses: ["127.0.0.1:1", sentinel.address],
      mode: "sentinel",
      masterName: MASTER,
      sentinelPassword: "wache",
      password,
    });
    await registry.until(true);
    await storeImage(registry.repository, TAG);
    await eventually(() => isCached(registry));
    expect(await master.cli("dbsize")).not.toBe("0");

    await master.kill();
    await registry.until(false);
    const pushed = await storeImage(registry.repository, TAG);
    expect(await pull(registry.repository)).toBe(pushed);
    await registry.until(true);
    await eventually(() => isCached(registry));
    expect(await replica.cli("role")).toMatch(/^master/);
  }, 60_000);
});

describePeers("a cluster of Redis", ["redis"], () => {
  it("of three masters accepts keys of every slot, and continues while one of them is down", async () => {
    const driver = await createDriver("inmemory", {});
    const servers: RedisServer[] = [];
    try {
      for (let count = 0; count < 3; count += 1) {
        const config = ["cluster-enabled yes", "cluster-require-full-coverage no", "cluster-node-timeout 1000"];
        servers.push(await startRedis({ config: [...config, `cluster-port ${await freePort()}`] }));
      }
      const [first, second, third] = servers;
      if (first === undefined || second === undefined || third === undefined) throw new Error("three were started");
      await run("redis-cli", ["--cluster", "create", ...servers.map(({ address }) => address), "--cluster-yes"]);
      await eventually(async () => (await first.cli("cluster", "info")).includes("cluster_state:ok"));

      await using registry = await openReplica(driver, {
        addresses: [first.address, second.address],
        mode: "cluster",
      });
      await using other = await openReplica(driver, { addresses: [third.address, first.address], mode: "cluster" });
      await Promise.all([registry.until(true), other.until(true)]);
      const tags = Array.from({ length: 30 }, (_, index) => `tag-${index}`);
      await storeImage(registry.repository, TAG, ...tags);
      await eventually(() => isCached(registry));
      for (let times = 0; times < 10; times += 1) {
        const digest = await storeImage(times % 2 === 0 ? registry.repository : other.repository, TAG, ...tags);
        expect(await pull(registry.repository)).toBe(digest);
        expect(await pull(other.repository)).toBe(digest);
      }
      for (const server of servers) expect(await server.cli("dbsize")).not.toBe("0");

      const open = (...addresses: readonly string[]) =>
        openSharedChannels({
          redis: { ...REDIS, addresses, mode: "cluster" },
          identify: () => Promise.resolve("0".repeat(32)),
        });
      const [hearing, telling] = [await open(first.address, third.address), await open(third.address)];
      const heard: string[] = [];
      const quiet = {
        message: () => undefined,
        joined: () => undefined,
        lost: () => undefined,
        refused: () => undefined,
      };
      const message = (topic: string, bytes: Uint8Array) =>
        void heard.push(`${topic} ${Buffer.from(bytes).toString()}`);
      hearing.join("news");
      hearing.begin({ ...quiet, message });
      telling.begin(quiet);
      const expectHeard = (text: string) =>
        eventually(async () => {
          await telling.publish("news", text).catch(() => hearing.rejoin());
          return heard.includes(`news ${text}`);
        });
      await expectHeard("before");

      await second.kill();
      await expectHeard("after");
      hearing.close();
      telling.close();
      const digest = await storeImage(registry.repository, TAG, ...tags);
      expect(await pull(registry.repository)).toBe(digest);
      expect(await pull(other.repository)).toBe(digest);
      expect(registry.failures()).toBeGreaterThan(0);
    } finally {
      for (const server of servers) await server[Symbol.asyncDispose]();
      await driver.close();
    }
  }, 120_000);
});
