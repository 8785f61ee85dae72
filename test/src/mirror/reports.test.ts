import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { serveHttp } from "@longshore/testkit/loopback";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { startApi, startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import type { RequestListener } from "node:http";
import { describe, expect, it } from "vitest";

describe("what users of other caches reported", () => {
  it("a descriptor that is remembered doesn't outlive the bytes: what has expired is gone, and fetched again", async () => {
    await using source = await startApi();
    await using server = await startStandIn();
    await using folder = await makeTemporaryFolder("reports");
    const image = await pushImage(source.client, "team/app", "1");
    const [layer] = image.layers;
    if (layer === undefined) throw new Error("an image without layers");
    let isAway = false;
    await using upstream = await serveHttp((request, response) => {
      if (isAway) response.writeHead(503).end();
      else relay(source)(request, response);
    });
    const storage = {
      filesystem: undefined,
      s3: s3Parameters(server, await server.newBucket()),
      redirect: { disable: true },
      cache: { blobdescriptor: "inmemory" },
    };
    const proxy = { remoteurl: upstream.url, directory: `${folder.path}/spool`, retries: 0, ttl: "2s", sweep: "1s" };
    await using mirror = await startRegistry({ config: { storage, proxy } });
    const path = `/v2/team/app/blobs/${layer.digest}`;
    const head = async (): Promise<number> => (await mirror.client.ask({ method: "HEAD", path })).status;
    expect(expectStatus(await mirror.client.ask({ path }), 200).body).toEqual(layer.bytes);
    // From here on its size is remembered.
    expect(await head()).toBe(200);
    isAway = true;
    await expect.poll(() => mirror.logs(), { timeout: 60_000 }).toContain("removed cached content");
    await expect.poll(head, { timeout: 30_000 }).toBe(503);
    isAway = false;
    await expect.poll(head, { timeout: 60_000 }).toBe(200);
    expect(expectStatus(await mirror.client.ask({ path }), 200).body).toEqual(layer.bytes);
  });

  it("nothing but the registry API is asked of an upstream", async () => {
    await using source = await startApi();
    const image = await pushImage(source.client, "team/app", "1");
    const asked: string[] = [];
    await using upstream = await serveHttp((request, response) => {
      asked.push(request.url ?? "");
      relay(source)(request, response);
    });
    await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url, catalog: "upstream" } } });
    for (const path of [
      "_catalog",
      "team/app/tags/list",
      "team/app/manifests/1",
      `team/app/manifests/${image.manifest.digest}`,
      `team/app/blobs/${image.config.digest}`,
      `team/app/referrers/${image.manifest.digest}`,
    ]) {
      expectStatus(await mirror.client.ask({ path: `/v2/${path}` }), 200);
    }
    expect(asked.length).toBeGreaterThanOrEqual(5);
    expect(asked.filter((path) => !path.startsWith("/v2/"))).toEqual([]);
  });
});

function relay(source: Awaited<ReturnType<typeof startApi>>): RequestListener {
  return (request, response) => {
    const headers = { accept: request.headers.accept ?? "*/*" };
    void source.client.ask({ method: request.method ?? "GET", path: request.url ?? "/", headers }).then((answer) => {
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  };
}
