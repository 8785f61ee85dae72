import { PROGRAM } from "@longshore/testkit/project";
import { run } from "@longshore/testkit/processes";
import { writeFile } from "node:fs/promises";
import {
  contentOf,
  expectStatus,
  indexOf,
  OCI_INDEX,
  pushBlob,
  pushManifest,
  randomContent,
} from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { describePeer } from "@longshore/testkit/peers";
import { SECRET, startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { SLOW } from "../clients/site.js";
import { startRedis } from "../redis/servers.js";

const HUB = { name: "anonymous pulls", clients: "anonymous", count: "pulls", limit: 20, window: "6h" };
const IMAGE = contentOf(JSON.stringify(indexOf([])));

const push = async (registry: RunningRegistry): Promise<void> => {
  expect((await pushManifest(registry.client, "team/app", IMAGE, OCI_INDEX, "1")).status).toBe(201);
};
const ask = (registry: RunningRegistry, method: "GET" | "HEAD" = "GET") => {
  // Each over a connection of its own, so that every worker is asked.
  const client = createHttpClient(registry.url, { keepAlive: false });
  return client.ask({ method, path: "/v2/team/app/manifests/1", headers: { accept: OCI_INDEX } });
};
/** How many of so many pulls are let through. */
async function passed(registries: readonly RunningRegistry[], count: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const registry = registries[index % registries.length];
      if (registry === undefined) throw new Error("no registry");
      return ask(registry);
    }),
  );
  for (const { status } of answers) expect([200, 429]).toContain(status);
  return answers.filter(({ status }) => status === 200).length;
}

describe("limits for each client", () => {
  it("are counted as Docker Hub counts pulls, and say where a client stands", { timeout: SLOW }, async () => {
    await using registry = await startRegistry({
      config: { policy: { ratelimit: { rules: [{ ...HUB, limit: 2 }] } } },
    });
    await push(registry);
    const standing = async (method: "GET" | "HEAD") => {
      const { status, headers } = await ask(registry, method);
      return [status, headers["ratelimit-limit"], headers["ratelimit-remaining"]];
    };
    expect(await standing("HEAD")).toEqual([200, "2;w=21600", "2;w=21600"]);
    expect(await standing("GET")).toEqual([200, "2;w=21600", "1;w=21600"]);
    expect(await standing("GET")).toEqual([200, "2;w=21600", "0;w=21600"]);
    const refused = await ask(registry);
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.text())).toEqual({
      errors: [
        {
          code: "TOOMANYREQUESTS",
          message:
            'the limit "anonymous pulls" is reached: 2 pulls in 6h for clients that aren\'t logged in; try again in 3h',
        },
      ],
    });
    expect(Number(refused.headers["retry-after"])).toBe(10_800);
    expect(refused.headers["ratelimit-remaining"]).toBe("0;w=21600");
    expect((await registry.client.ask({ path: "/v2/" })).headers["ratelimit-limit"]).toBeUndefined();
  });

  it("count bytes both ways", { timeout: SLOW }, async () => {
    const rules = [{ name: "traffic", count: "bytes", limit: 100_000, window: "1h" }];
    await using registry = await startRegistry({ config: { policy: { ratelimit: { rules } } } });
    const blob = randomContent(60_000);
    await pushBlob(registry.client, "a", blob);
    expect((await registry.client.ask({ path: `/v2/a/blobs/${blob.digest}` })).status).toBe(200);
    await expect.poll(async () => (await registry.client.ask({ path: `/v2/a/blobs/${blob.digest}` })).status).toBe(429);
  });

  it("are one count for all workers", { timeout: SLOW }, async () => {
    const config = { http: { workers: 2 }, policy: { ratelimit: { rules: [HUB] } } };
    await using registry = await startRegistry({ config });
    await push(registry);
    expect(await passed([registry], 60)).toBe(20);
  });
});

it(
  "a limit for each personal access token counts it by itself, whether it is shown or exchanged",
  { timeout: SLOW },
  async () => {
    await using folder = await makeTemporaryFolder("limits");
    const rules = [{ name: "robots", clients: "accounts", per: "token", count: "pulls", limit: 3, window: "6h" }];
    const config = {
      policy: { ratelimit: { rules } },
      tokenserver: { personal: {} },
      access: [{ match: { account: "robot/*" }, actions: ["*"] }],
    };
    await using registry = await startRegistry({ root: folder.path, config });
    const path = `${folder.path}/config.yml`;
    const storage = { filesystem: { rootdirectory: folder.path } };
    await writeFile(path, JSON.stringify({ version: 0.1, http: { secret: SECRET }, storage, ...config }));
    const createToken = async (): Promise<string> => {
      const made = await run(process.execPath, [
        PROGRAM,
        "token",
        "create",
        path,
        "--robot",
        "ci",
        "--name",
        "pipeline",
      ]);
      return made.stdout.trim();
    };
    const basic = (token: string) => `Basic ${Buffer.from(`ci:${token}`).toString("base64")}`;
    const bearer = async (token: string): Promise<string> => {
      const query = "service=registry&scope=repository:team/app:pull";
      const answer = await registry.client.ask({
        path: `/auth/token?${query}`,
        headers: { authorization: basic(token) },
      });
      return `Bearer ${(expectStatus(answer, 200).json() as { token: string }).token}`;
    };
    const pull = async (authorization: string): Promise<number> => {
      const headers = { authorization, accept: OCI_INDEX };
      return (await registry.client.ask({ path: "/v2/team/app/manifests/1", headers })).status;
    };
    const [one, other] = [await createToken(), await createToken()];
    const type = { authorization: basic(one), "content-type": OCI_INDEX };
    const put = { method: "PUT", path: "/v2/team/app/manifests/1", headers: type, body: IMAGE.bytes };
    expectStatus(await registry.client.ask(put), 201);
    const exchanged = await bearer(one);
    expect([await pull(basic(one)), await pull(exchanged), await pull(exchanged)]).toEqual([200, 200, 200]);
    expect([await pull(basic(one)), await pull(exchanged), await pull(await bearer(one))]).toEqual([429, 429, 429]);
    expect([await pull(basic(other)), await pull(await bearer(other))]).toEqual([200, 200]);
  },
);

describePeer("redis", () => {
  it(
    "limits are one count for all replicas, and each machine's own while Redis is away",
    { timeout: SLOW },
    async () => {
      await using redis = await startRedis();
      await using folder = await makeTemporaryFolder("limits");
      const config = {
        redis: { addrs: [redis.address] },
        policy: { ratelimit: { rules: [HUB] } },
        http: { debug: { addr: "127.0.0.1:0", prometheus: { enabled: true } } },
      };
      await using one = await startRegistry({ root: folder.path, config });
      await using other = await startRegistry({ root: folder.path, config });
      for (const each of [one, other]) await expect.poll(() => each.logs()).toContain("redis counts the requests");
      await push(one);
      expect(await passed([one, other], 60)).toBe(20);
      await redis.kill();
      await expect.poll(() => one.logs()).toContain("each machine counts the requests of clients itself");
      expect(await passed([one], 30)).toBe(20);
      await redis.restart();
    },
  );
});
