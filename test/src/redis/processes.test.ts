import { afterAll, beforeAll, expect, it } from "vitest";
import { OCI_MANIFEST, expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { freePort } from "@longshore/testkit/loopback";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { eventually } from "./replicas.js";
import { startRedis, type RedisServer } from "./servers.js";

describePeers("registries in processes of their own, with Redis from the environment", ["redis"], () => {
  let redis: RedisServer;
  let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
  let one: RunningRegistry;
  let other: RunningRegistry;
  let metrics: string;
  beforeAll(async () => {
    redis = await startRedis({ config: ["requirepass geheim"], login: ["-a", "geheim", "--no-auth-warning"] });
    folder = await makeTemporaryFolder("replicas");
    metrics = `127.0.0.1:${await freePort()}`;
    const env = {
      REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR: "redis",
      REGISTRY_REDIS_ADDRS: `["${redis.address}"]`,
      REGISTRY_REDIS_OPTIONS_PASSWORD: "geheim",
    };
    one = await startRegistry({ root: folder.path, env });
    other = await startRegistry({
      root: folder.path,
      env,
      config: { http: { debug: { addr: metrics, prometheus: { enabled: true } } } },
    });
  });
  afterAll(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const get = async (registry: RunningRegistry): Promise<string | undefined> => {
    const answer = await registry.client.ask({
      path: "/v2/team/app/manifests/latest",
      headers: { accept: OCI_MANIFEST },
    });
    const digest = expectStatus(answer, 200).headers["docker-content-digest"];
    return typeof digest === "string" ? digest : undefined;
  };
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  };

  it("serve what was pushed to the other one from Redis, and count it in their metrics", async () => {
    for (let times = 0; times < 5; times += 1) {
      const { manifest } = await pushImage(one.client, "team/app", "latest");
      expect([await get(one), await get(other)]).toEqual([manifest.digest, manifest.digest]);
    }
    await eventually(async () => {
      const before = await metric("registry_storage_calls_total");
      await get(other);
      return (await metric("registry_storage_calls_total")) === before;
    });
    expect(await metric('registry_storage_cache_redis_seconds_count{operation="TagStat"}')).toBeGreaterThan(5);
    expect(await metric("registry_storage_cache_hits_total")).toBeGreaterThan(0);
    expect(await metric("registry_storage_cache_errors_total")).toBe(0);
  });

  it("continue during an outage, which one line reports, and no line has the password", async () => {
    await redis.kill();
    const { manifest } = await pushImage(one.client, "team/app", "latest");
    for (let times = 0; times < 20; times += 1) expect(await get(other)).toBe(manifest.digest);
    expect(await metric("registry_storage_cache_errors_total")).toBeGreaterThan(0);
    expect(other.logs().match(/redis is not available/g)).toHaveLength(1);
    expect(other.logs()).toMatch(/level=warn\w* msg="redis is not available[^"]*".* reason=/);
    await redis.restart();
    await eventually(() => Promise.resolve(other.logs().match(/"redis is available"/g)?.length === 2));
    expect(await get(other)).toBe(manifest.digest);
    expect(one.logs() + other.logs()).not.toContain("geheim");
  }, 60_000);
});
