import { writeFile } from "node:fs/promises";
import { createDriver, probeChannels, probeRedis, type RedisOptions, type StorageDriver } from "@longshore/storage";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { createIdentities } from "../server/certificates.js";
import { describePeers } from "@longshore/testkit/peers";
import { freePort } from "@longshore/testkit/loopback";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { eventually, openReplica, pull, storeImage, REDIS, TAG, type Replica } from "./replicas.js";
import { startRedis, type RedisServer } from "./servers.js";

describePeers("access to Redis", ["redis"], () => {
  let driver: StorageDriver;
  const replicas: Replica[] = [];
  beforeEach(async () => {
    driver = await createDriver("inmemory", {});
  });
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica[Symbol.asyncDispose]();
    await driver.close();
  });
  const open = async (redis: Partial<RedisOptions> & Pick<RedisOptions, "addresses">): Promise<Replica> => {
    const replica = await openReplica(driver, redis);
    replicas.push(replica);
    return replica;
  };
  const expectCached = async (replica: Replica): Promise<void> => {
    await replica.until(true);
    await storeImage(replica.repository, TAG);
    await eventually(async () => {
      replica.storageCalls();
      await pull(replica.repository);
      return replica.storageCalls() === 0;
    });
  };
  /** It isn't there, for that reason, and nobody notices. */
  const expectAway = async (replica: Replica, reason: RegExp): Promise<void> => {
    await replica.until(false);
    expect(replica.states.at(-1)?.reason).toMatch(reason);
    await replica.repository.tags.resolve(TAG);
  };

  it("with a password, and in another database", async () => {
    await using redis = await startRedis({
      config: ["requirepass geheim"],
      login: ["-a", "geheim", "--no-auth-warning"],
    });
    await expectCached(await open({ addresses: [redis.address], password: "geheim", database: 3 }));
    expect(await redis.cli("-n", "3", "dbsize")).not.toBe("0");
    expect(await redis.cli("-n", "0", "dbsize")).toBe("0");
    await expectAway(await open({ addresses: [redis.address], password: "falsch" }), /WRONGPASS/);
    await expectAway(await open({ addresses: [redis.address] }), /NOAUTH/);
  });

  it("as a user with the rights that docs/operating.md names, over the older protocol, too", async () => {
    const rights =
      "resetchannels ~longshore:* &longshore:* -@all +get +getrange +set +del +eval +evalsha +pttl +publish +subscribe +unsubscribe +info +ping +hello +client";
    await using redis = await startRedis({ config: [`user registry on >geheim ${rights}`, "user default off"] });
    const user = { ...REDIS, addresses: [redis.address], username: "registry", password: "geheim" };
    await probeRedis(user, 30_000);
    for (const protocol of [2, 3] as const) await probeChannels({ ...user, protocol }, 30_000);
    for (const protocol of [2, 3] as const) {
      await expectCached(
        await open({ addresses: [redis.address], username: "registry", password: "geheim", protocol, clientName: "r" }),
      );
    }
  });

  it("whose user lacks a right that the cache needs: a probe names it", async () => {
    const rights = "~longshore:* -@all +get +set +del +eval +evalsha +pttl +info +ping +hello +client";
    await using redis = await startRedis({ config: [`user registry on >geheim ${rights}`, "user default off"] });
    const options = { ...REDIS, addresses: [redis.address], username: "registry", password: "geheim" };
    await expect(probeRedis(options, 30_000)).rejects.toThrow(/getrange/);
    await expect(probeChannels(options, 30_000)).rejects.toThrow(/publish/);
  });

  it("to a read-only server: nothing it says is trusted", async () => {
    await using redis = await startRedis();
    const replica = await open({ addresses: [redis.address] });
    await expectCached(replica);
    // What an old master does whose replicas are gone.
    await redis.cli("config", "set", "min-replicas-to-write", "1");
    const digest = await storeImage(replica.repository, TAG);
    expect(await pull(replica.repository)).toBe(digest);
  });

  it("whose scripts were flushed", async () => {
    await using redis = await startRedis();
    const replica = await open({ addresses: [redis.address] });
    await expectCached(replica);
    await redis.cli("script", "flush");
    await redis.cli("flushall");
    await expectCached(replica);
    expect(replica.failures()).toBe(0);
  });
});

describePeers("TLS to Redis", ["redis"], () => {
  let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
  let redis: RedisServer;
  let address: string;
  let driver: StorageDriver;
  const at = (name: string) => `${folder.path}/${name}.pem`;
  beforeAll(async () => {
    folder = await makeTemporaryFolder("redis-tls");
    const { authority, server, client, stranger } = await createIdentities();
    const files = {
      ca: authority,
      server: server.certificate,
      "server-key": server.key,
      client: client.certificate,
      "client-key": client.key,
      stranger: stranger.certificate,
      "stranger-key": stranger.key,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(at(name), text);
    const port = await freePort();
    redis = await startRedis({
      config: [
        `tls-port ${port}`,
        `tls-cert-file ${at("server")}`,
        `tls-key-file ${at("server-key")}`,
        `tls-ca-cert-file ${at("ca")}`,
        "tls-auth-clients yes",
      ],
    });
    address = `127.0.0.1:${port}`;
    driver = await createDriver("inmemory", {});
  });
  afterAll(async () => {
    await driver.close();
    await redis[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it("with a client certificate, verified on both sides", async () => {
    const tls = { certificate: at("client"), key: at("client-key"), rootCas: [at("ca")] };
    await using replica = await openReplica(driver, { addresses: [address], tls });
    await replica.until(true);
    await storeImage(replica.repository, TAG);
    await eventually(async () => {
      replica.storageCalls();
      await pull(replica.repository);
      return replica.storageCalls() === 0;
    });
  });

  it.each([
    ["an authority that didn't sign it", { certificate: "client", key: "client-key", rootCas: ["stranger"] }],
    ["the system's authorities", { certificate: "client", key: "client-key", rootCas: [] }],
    [
      "a client's certificate that Redis doesn't know",
      { certificate: "stranger", key: "stranger-key", rootCas: ["ca"] },
    ],
  ])("not with %s", async (_, { certificate, key, rootCas }) => {
    const tls = { certificate: at(certificate), key: at(key), rootCas: rootCas.map(at) };
    await using replica = await openReplica(driver, { addresses: [address], tls });
    await replica.until(false);
    expect(replica.states.map(({ available }) => available)).not.toContain(true);
  });

  it("files that can't be read stop the start", async () => {
    const tls = { rootCas: [at("missing")] };
    await expect(openReplica(driver, { addresses: [address], tls })).rejects.toThrow(
      `redis.tls.rootcas: can't read ${at("missing")} (ENOENT)`,
    );
  });
});
