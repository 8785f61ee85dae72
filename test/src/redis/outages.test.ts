import { createDriver, type StorageDriver } from "@longshore/storage";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { eventually, openReplica, pull, storeRandomBlob, storeImage, TAG, type Replica } from "./replicas.js";
import { openLine, startRedis, type Line, type RedisServer } from "./servers.js";

/** How long links live in Redis (docs/protocols/redis-links.md §Links in Redis). */
const LIFETIME = 5000;

describePeers("an outage of Redis", ["redis"], () => {
  let redis: RedisServer;
  let line: Line;
  let driver: StorageDriver;
  /** Reaches Redis over the line; the other one directly. */
  let one: Replica;
  let other: Replica;
  beforeEach(async () => {
    redis = await startRedis({ config: ["appendonly yes", "appendfsync always"] });
    line = await openLine(redis.port);
    driver = await createDriver("inmemory", {});
    one = await openReplica(driver, { addresses: [line.address], commandTimeout: 200 });
    other = await openReplica(driver, { addresses: [redis.address], commandTimeout: 200 });
  });
  afterEach(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await line[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await driver.close();
  });

  /** Fills the entry of the tag, and makes sure that it is there. */
  const remember = (replica: Replica): Promise<void> =>
    eventually(async () => {
      replica.storageCalls();
      await pull(replica.repository);
      return replica.storageCalls() === 0;
    });

  it("on one replica only: its push is acknowledged once no replica can serve the old tag any more", async () => {
    await storeImage(one.repository, TAG);
    line.cut();
    await one.until(false);
    const before = await pull(other.repository);
    await remember(other);
    const filled = Date.now();
    const progress = { isAcknowledged: false };
    const push = storeImage(one.repository, TAG).then((digest) => {
      progress.isAcknowledged = true;
      return digest;
    });
    const seen: boolean[] = [];
    while (!progress.isAcknowledged) {
      const digest = await pull(other.repository);
      // What this test is about happens: the old tag is served while the new one is in the storage.
      seen.push(digest === before);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const after = await push;
    expect(await pull(other.repository)).toBe(after);
    expect(await pull(one.repository)).toBe(after);
    expect(seen.filter(Boolean).length).toBeGreaterThan(10);
    expect(Date.now() - filled).toBeGreaterThan(LIFETIME / 2);
  });

  it("that ends while a push waits: it waits no longer", async () => {
    await storeImage(one.repository, TAG);
    await remember(other);
    line.cut();
    await one.until(false);
    const started = Date.now();
    const push = storeImage(one.repository, TAG);
    line.mend();
    const digest = await push;
    expect(Date.now() - started).toBeLessThan(LIFETIME - 500);
    expect(await pull(other.repository)).toBe(digest);
  });

  it("with entries that it kept on disk: what was changed meanwhile is not believed", async () => {
    await storeImage(one.repository, TAG);
    await remember(other);
    await redis.kill();
    await Promise.all([one.until(false), other.until(false)]);
    const push = storeImage(one.repository, TAG);
    await redis.restart();
    expect(await redis.cli("--scan")).toContain("/tags/latest/current/link");
    const digest = await push;
    await other.until(true);
    expect(await pull(other.repository)).toBe(digest);
  });

  it("isn't noticed by any client: SIGKILL under load, and again", async () => {
    const blob = await storeRandomBlob(one.repository);
    await storeImage(one.repository, TAG);
    let isOver = false;
    let pulls = 0;
    const failures: unknown[] = [];
    const traffic = [one, other, one, other].map(async ({ repository }) => {
      while (!isOver) {
        try {
          await pull(repository);
          await repository.blobs.stat(blob);
          pulls += 1;
        } catch (error) {
          failures.push(error);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    for (let times = 0; times < 3; times += 1) {
      await redis.kill();
      await Promise.all([one.until(false), other.until(false)]);
      const before = pulls;
      await eventually(() => Promise.resolve(pulls > before + 100));
      await redis.restart();
      await Promise.all([one.until(true), other.until(true)]);
    }
    isOver = true;
    await Promise.all(traffic);
    expect(failures).toEqual([]);
    expect(one.failures()).toBeGreaterThan(0);
    // Once for each change, not for each request.
    expect(other.states.map(({ available }) => available)).toEqual([true, false, true, false, true, false, true]);
    await remember(one);
  });

  it("that is silent, as of a stopped process: some requests wait for a moment, later ones don't", async () => {
    await storeImage(one.repository, TAG);
    await remember(one);
    redis.pause();
    const times: number[] = [];
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const started = performance.now();
      await pull(one.repository);
      times.push(performance.now() - started);
    }
    await one.until(false);
    // A pull asks once, and the circuit opens after five answers that didn't come.
    expect(times.filter((time) => time > 150).length).toBeLessThanOrEqual(8);
    expect(Math.max(...times)).toBeLessThan(1000);
    expect(one.states.at(-1)?.reason).toMatch(/no answer within 200 ms|timeout|closed/i);
    redis.resume();
    await remember(one);
    expect(one.states.at(-1)?.available).toBe(true);
  });

  it("at the start doesn't prevent the start", async () => {
    const late = await openReplica(driver, { addresses: ["127.0.0.1:1"] });
    expect(late.states).toEqual([{ available: false, reason: expect.stringContaining("ECONNREFUSED") as string }]);
    const digest = await storeRandomBlob(late.repository);
    expect(await late.repository.blobs.stat(digest)).toMatchObject({ digest });
    await late[Symbol.asyncDispose]();
  });
});
