import { writeFile } from "node:fs/promises";
import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import type { HttpClient } from "@longshore/testkit/http-client";
import { serveHttp } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { startDistribution, USER } from "./upstreams.js";

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";

interface Catalog {
  readonly names: readonly unknown[];
  readonly pages: number;
}

/** The whole catalog, read by its links. */
async function readCatalog(
  client: HttpClient,
  n = 100,
  headers: Readonly<Record<string, string>> = {},
): Promise<Catalog> {
  const names: unknown[] = [];
  let pages = 0;
  for (let path: string | undefined = `/v2/_catalog?n=${n}`; path !== undefined; pages += 1) {
    const answer = expectStatus(await client.ask({ path, headers }), 200);
    const body = answer.json();
    if (typeof body !== "object" || body === null || !("repositories" in body) || !Array.isArray(body.repositories)) {
      throw new Error("the catalog is no list");
    }
    const listed: readonly unknown[] = body.repositories;
    names.push(...listed);
    expect(answer.headers.warning).toBeUndefined();
    path = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers["link"] ?? ""))?.[1];
  }
  return { names, pages };
}

describePeers("the catalog of a mirror", ["docker-registry", "htpasswd"], () => {
  it("lists what upstream has and what is here in one order and in pages, and goes on while the upstream is away", async () => {
    await using upstream = await startDistribution({ htpasswd: true });
    for (const name of ["team/q", "team/q-b", "team/q/a", "team/secret", "other/app"]) {
      await pushImage(upstream.client, name, "1");
    }
    const settings = { remoteurl: upstream.url, ...USER, retries: 0, allow: ["team/**"], deny: ["team/secret"] };
    const upstreams = [
      { prefix: "up.test", catalog: "upstream", hidden: true, ...settings },
      { prefix: "quiet.test", ...settings },
    ];
    await using mirror = await startRegistry({ config: { proxy: { upstreams } } });
    await pushImage(mirror.client, "a/own", "1");
    await pushImage(mirror.client, "up.testing/own", "1");
    for (const prefix of ["up.test", "quiet.test"]) {
      expectStatus(await mirror.client.ask({ path: `/v2/${prefix}/team/q-b/manifests/1` }), 200);
    }
    const all = [
      ...["a/own", "quiet.test/team/q-b"],
      ...["up.test/team/q", "up.test/team/q-b", "up.test/team/q/a", "up.testing/own"],
    ];
    expect(await readCatalog(mirror.client)).toEqual({ names: all, pages: 1 });
    expect(await readCatalog(mirror.client, 1)).toEqual({ names: all, pages: 6 });
    expect(await readCatalog(mirror.client, 4)).toEqual({ names: all, pages: 2 });
    await pushImage(upstream.client, "team/new", "1");
    expect((await readCatalog(mirror.client)).names).toContain("up.test/team/new");
    await upstream.stop();
    expect((await readCatalog(mirror.client, 2)).names).toEqual([
      ...all.slice(0, 2),
      "up.test/team/new",
      ...all.slice(2),
    ]);
    expect(mirror.logs()).toContain("the upstream failed; served from the cache");
  });

  it("of one upstream has its names, and by default only what is cached", async () => {
    await using upstream = await startDistribution();
    await pushImage(upstream.client, "team/app", "1");
    await pushImage(upstream.client, "team/other", "1");
    for (const [proxy, names] of [
      [{ catalog: "upstream" }, ["team/app", "team/other"]],
      [{}, ["team/app"]],
    ] as const) {
      await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url, ...proxy } } });
      expectStatus(await mirror.client.ask({ path: "/v2/team/app/manifests/1" }), 200);
      expect((await readCatalog(mirror.client)).names).toEqual(names);
    }
  });

  it("shows users what they may pull, and no name of what they may not", async () => {
    await using upstream = await startDistribution();
    for (const name of ["other/app", "team/app", "team/b"]) await pushImage(upstream.client, name, "1");
    await using folder = await makeTemporaryFolder("catalog");
    const passwords = `${folder.path}/htpasswd`;
    await writeFile(passwords, `ada:${HASH}\n`);
    await using mirror = await startRegistry({
      config: {
        proxy: { upstreams: [{ prefix: "up.test", remoteurl: upstream.url, catalog: "upstream" }] },
        auth: { htpasswd: { realm: "mirror", path: passwords } },
        access: [
          { match: { account: "ada", name: "up.test/team/*" }, actions: ["pull"] },
          { match: { account: "ada", type: "registry", name: "catalog" }, actions: ["*"] },
        ],
      },
    });
    const authorization = `Basic ${Buffer.from("ada:secret").toString("base64")}`;
    for (const n of [1, 100]) {
      const { names } = await readCatalog(mirror.client, n, { authorization });
      expect(names).toEqual(["up.test/team/app", "up.test/team/b"]);
    }
    expectStatus(await mirror.client.ask({ path: "/v2/_catalog" }), 401);
  });
});

describe("the catalog of a mirror whose upstream has none", () => {
  it.each([401, 404, 405, 501])("lists what is cached, and the log says why: %i", async (status) => {
    await using upstream = await serveHttp((_request, response) => response.writeHead(status).end());
    const one = { prefix: "up.test", remoteurl: upstream.url, catalog: "upstream", retries: 0 };
    await using mirror = await startRegistry({ config: { proxy: { upstreams: [one] } } });
    await pushImage(mirror.client, "own", "1");
    expect((await readCatalog(mirror.client)).names).toEqual(["own"]);
    expect(mirror.logs()).toMatch(/couldn't be listed.*(denies access|doesn't support listing repositories)/);
  });
});
