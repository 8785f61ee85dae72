import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OCI_MANIFEST, expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { freePort } from "@longshore/testkit/loopback";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { commandsOver } from "../upkeep/support.js";
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

  it(
    "serve nothing that a command has removed, renamed, overwritten or retained away",
    { timeout: 60_000 },
    async () => {
      const [path, rules] = [
        join(folder.path, "commands.yml"),
        [{ name: "newest", repositories: ["kept"], newest: 1 }],
      ];
      const configuration = {
        version: 0.1,
        storage: { filesystem: { rootdirectory: folder.path }, cache: { blobdescriptor: "redis" } },
        redis: { addrs: [redis.address], password: "geheim" },
        policy: { retention: { rules } },
      };
      await writeFile(path, JSON.stringify(configuration));
      const command = commandsOver(path);
      const done = async (words: string, ...args: readonly string[]): Promise<void> => {
        expect(await command(words, ...args)).toMatchObject({ code: 0 });
      };
      /** The digest that each replica has for each reference; undefined: it is unknown. Twice, so that Redis has heard of it. */
      const seen = async (name: string, ...references: readonly string[]) => {
        const found: unknown[] = [];
        for (const { client } of [one, other, one, other]) {
          for (const reference of references) {
            const headers = { accept: OCI_MANIFEST };
            const answer = await client.ask({ path: `/v2/${name}/manifests/${reference}`, headers });
            found.push(answer.status === 404 ? undefined : answer.headers["docker-content-digest"]);
          }
        }
        return new Set(found);
      };
      const first = (await pushImage(one.client, "moving", "v1")).manifest.digest;
      const second = (await pushImage(other.client, "another", "v1")).manifest.digest;
      expect(await seen("moving", "v1", first)).toEqual(new Set([first]));
      await done("repository copy", "another", "moving", "--overwrite");
      expect(await seen("moving", "v1")).toEqual(new Set([second]));
      await done("repository rename", "moving", "moved");
      expect(await seen("moving", "v1", first, second)).toEqual(new Set([undefined]));
      expect(await seen("moved", "v1")).toEqual(new Set([second]));
      await done("repository delete", "moved", "--yes");
      expect(await seen("moved", "v1", first, second)).toEqual(new Set([undefined]));

      await pushImage(one.client, "kept", "old");
      const newest = (await pushImage(one.client, "kept", "new")).manifest.digest;
      expect((await seen("kept", "old", "new")).size).toBe(2);
      await done("retention");
      expect(await seen("kept", "old")).toEqual(new Set([undefined]));
      expect(await seen("kept", "new")).toEqual(new Set([newest]));
      for (const { client } of [one, other]) {
        expect((await client.ask({ path: "/v2/kept/tags/list" })).json()).toEqual({ name: "kept", tags: ["new"] });
        expect((await client.ask({ path: "/v2/moved/tags/list" })).status).toBe(404);
      }
    },
  );

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
