import {
  describeContent,
  expectStatus,
  indexOf,
  manifestOf,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  pushManifest,
} from "@longshore/testkit/fixtures";
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

  it.each(["keep", "follow"] as const)(
    "a tag that the upstream deletes is treated as missingtags says: %s",
    async (missingtags) => {
      await using site = await openSite({ missingtags });
      const image = await pushImage(site.source.client, "team/app", "1");
      const byTag = { path: "/v2/team/app/manifests/1" };
      expectStatus(await site.mirror.client.ask(byTag), 200);
      expectStatus(await site.source.client.ask({ method: "DELETE", ...byTag }), 202);
      const answer = await site.mirror.client.ask(byTag);
      expect(answer.status).toBe(missingtags === "keep" ? 200 : 404);
      if (missingtags === "keep") expect(answer.headers.warning).toMatch(/^11[01] /);
      const byDigest = { path: `/v2/team/app/manifests/${image.manifest.digest}` };
      expectStatus(await site.mirror.client.ask(byDigest), 200);
    },
  );

  it("what is cached under its digest costs no request to the upstream", async () => {
    await using site = await openSite();
    const image = await pushImage(site.source.client, "team/app", "1");
    const paths = [
      `/v2/team/app/manifests/${image.manifest.digest}`,
      ...[image.config, ...image.layers].map(({ digest }) => `/v2/team/app/blobs/${digest}`),
    ];
    const pull = async (): Promise<void> => {
      for (const path of paths) expectStatus(await site.mirror.client.ask({ path }), 200);
    };
    await pull();
    const before = site.asked.length;
    expect(before).toBeGreaterThanOrEqual(paths.length);
    await pull();
    for (const path of paths) expectStatus(await site.mirror.client.ask({ method: "HEAD", path }), 200);
    expect(site.asked.slice(before)).toEqual([]);
  });

  it("a tag is compared by HEAD, and an index brings only the platform that is asked for, whatever clients accept", async () => {
    await using site = await openSite();
    const { client } = site.source;
    const platforms = [await pushImage(client, "team/app", "amd64"), await pushImage(client, "team/app", "arm64")];
    const index = manifestOf(indexOf(platforms.map(({ manifest }) => describeContent(manifest, OCI_MANIFEST))));
    expectStatus(await pushManifest(client, "team/app", index, OCI_INDEX, "1"), 201);
    for (const accept of [OCI_INDEX, `${OCI_MANIFEST}, ${OCI_INDEX}`, `${OCI_INDEX};q=0.5, */*;q=0.1`]) {
      const answer = await site.mirror.client.ask({ path: "/v2/team/app/manifests/1", headers: { accept } });
      expect([answer.status, answer.headers["content-type"], answer.body]).toEqual([200, OCI_INDEX, index.bytes]);
    }
    const [first] = platforms;
    if (first === undefined) throw new Error("no platforms");
    expectStatus(await site.mirror.client.ask({ path: `/v2/team/app/manifests/${first.manifest.digest}` }), 200);
    const got = site.asked.filter((request) => request.startsWith("GET ") && request.includes("/manifests/"));
    expect(got.map((request) => request.split("/").at(-1)).sort()).toEqual(
      [index.digest, first.manifest.digest].sort(),
    );
  });

  it("what another repository has cached is served only if the upstream shows it here, too", async () => {
    await using site = await openSite();
    const { client } = site.source;
    const shared = await pushImage(client, "team/app", "1");
    await pushImage(client, "team/other", "1");
    const [layer] = shared.layers;
    if (layer === undefined) throw new Error("an image without layers");
    const blob = (name: string) => ({ path: `/v2/${name}/blobs/${layer.digest}` });
    expectStatus(await site.mirror.client.ask(blob("team/app")), 200);
    for (const method of ["HEAD", "GET"])
      expectStatus(await site.mirror.client.ask({ method, ...blob("team/other") }), 404);
    await pushBlob(client, "team/third", layer);
    const answer = expectStatus(await site.mirror.client.ask(blob("team/third")), 200);
    expect(answer.body).toEqual(layer.bytes);
  });
});

/** A mirror, and what it asks its upstream: `GET /v2/…`. */
async function openSite(settings: object = {}) {
  const source = await startApi();
  const asked: string[] = [];
  const upstream = await serveHttp((request, response) => {
    if (request.url !== "/v2/") asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    relay(source)(request, response);
  });
  const mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url, ...settings } } });
  return {
    source,
    mirror,
    asked,
    async [Symbol.asyncDispose]() {
      await mirror[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}

function relay(source: Awaited<ReturnType<typeof startApi>>): RequestListener {
  return (request, response) => {
    const { accept = "*/*", range } = request.headers;
    const headers = { accept, ...(range === undefined ? {} : { range }) };
    void source.client.ask({ method: request.method ?? "GET", path: request.url ?? "/", headers }).then((answer) => {
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  };
}
