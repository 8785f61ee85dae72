import { access, readFile, writeFile } from "node:fs/promises";
import { expectStatus, pushImage, type Image } from "@longshore/testkit/fixtures";
import type { HttpClient } from "@longshore/testkit/http-client";
import { freePort } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistry } from "@longshore/testkit/start-registry";
import { expect, it } from "vitest";
import { z } from "zod";
import { startDistribution } from "./upstreams.js";

const VARIABLES = z.object({ registry: z.object({ proxy: z.unknown() }) });
const count: unknown = expect.any(Number);

async function expectWhole(client: HttpClient, name: string, image: Image): Promise<void> {
  const { manifest, config, layers } = image;
  const answer = expectStatus(
    await client.ask({ path: `/v2/${name}/manifests/1`, headers: { accept: image.mediaType } }),
    200,
  );
  expect(answer.body.equals(manifest.bytes)).toBe(true);
  for (const { digest, bytes } of [config, ...layers]) {
    const blob = expectStatus(await client.ask({ path: `/v2/${name}/blobs/${digest}` }), 200);
    expect(blob.body.equals(bytes)).toBe(true);
  }
}

function fileOf(root: string, digest: string): string {
  const hex = digest.slice("sha256:".length);
  return `${root}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

describePeers("what the debug address shows", ["docker-registry"], () => {
  it("has Distribution's names and kinds of content", async () => {
    await using upstream = await startDistribution();
    const image = await pushImage(upstream.client, "team/app", "1");
    const [theirDebug, ourDebug] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const proxy = { remoteurl: upstream.url };
    await using theirs = await startDistribution({ proxy, debug: theirDebug });
    await using ours = await startRegistry({
      config: { proxy, http: { debug: { addr: ourDebug, prometheus: { enabled: true } } } },
    });
    const shown = async (debug: string): Promise<unknown> => {
      const variables: unknown = await (await fetch(`http://${debug}/debug/vars`)).json();
      return VARIABLES.parse(variables).registry.proxy;
    };
    for (const { client } of [theirs, ours]) await expectWhole(client, "team/app", image);
    const shape = { Requests: count, Hits: count, Misses: count, BytesPulled: count, BytesPushed: count };
    for (const debug of [theirDebug, ourDebug]) {
      expect(await shown(debug)).toEqual({ blobs: shape, manifests: shape });
    }
  });
});

describePeers("a cache's volume", ["docker-registry"], () => {
  it("written by docker-registry is served with the upstream down, and can be given back", async () => {
    await using upstream = await startDistribution();
    const image = await pushImage(upstream.client, "team/app", "1");
    const later = await pushImage(upstream.client, "team/later", "1");
    await using theirs = await startDistribution({ proxy: { remoteurl: upstream.url } });
    await expectWhole(theirs.client, "team/app", image);
    const state = `${theirs.root}/scheduler-state.json`;
    await expect.poll(() => isThere(state), { timeout: 60_000 }).toBe(true);
    await theirs.stop();
    {
      await using ours = await startRegistry({
        root: theirs.root,
        config: { proxy: { remoteurl: upstream.url, retries: 0 } },
      });
      await expectWhole(ours.client, "team/later", later);
      await upstream.stop();
      await expectWhole(ours.client, "team/app", image);
      const known = async (): Promise<string> => readFile(state, "utf8");
      await expect.poll(known, { timeout: 60_000 }).toContain(`team/later@${later.manifest.digest}`);
      expect(await known()).toContain(`team/app@${image.config.digest}`);
    }
    await upstream.start();
    await theirs.start();
    await upstream.stop();
    await expectWhole(theirs.client, "team/app", image);
    await expectWhole(theirs.client, "team/later", later);
  });

  it("removes expired content with its bytes, and fetches it again on request", async () => {
    await using upstream = await startDistribution();
    const image = await pushImage(upstream.client, "team/app", "1");
    await using mirror = await startRegistry({
      config: { proxy: { remoteurl: upstream.url, ttl: "2s", sweep: "1s" } },
    });
    await expectWhole(mirror.client, "team/app", image);
    const files = [image.manifest, image.config, ...image.layers].map(({ digest }) => fileOf(mirror.root, digest));
    const left = async (): Promise<number> => (await Promise.all(files.map(isThere))).filter(Boolean).length;
    await expect.poll(left, { timeout: 60_000, interval: 200 }).toBe(0);
    await expectWhole(mirror.client, "team/app", image);
  });

  it("whose state file can't be read doesn't stop the start", async () => {
    await using upstream = await startDistribution();
    const image = await pushImage(upstream.client, "team/app", "1");
    await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url } } });
    await writeFile(`${mirror.root}/scheduler-state.json`, "no JSON");
    await expectWhole(mirror.client, "team/app", image);
    const state = (): Promise<string> => readFile(`${mirror.root}/scheduler-state.json`, "utf8");
    await expect.poll(state, { timeout: 60_000 }).toContain(image.manifest.digest);
    expect(await readFile(`${mirror.root}/scheduler-state.corrupt.json`, "utf8")).toBe("no JSON");
  });
});
