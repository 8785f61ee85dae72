import { contentOf, expectStatus, indexOf, OCI_INDEX, pushImage, pushManifest } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistry } from "@longshore/testkit/start-registry";
import { expect, it } from "vitest";
import { startDistribution } from "./upstreams.js";

describePeers("an upstream without the referrers API", ["docker-registry"], () => {
  it("has its fallback tag's index passed through as it is, and listed as referrers; a new signature is seen", async () => {
    await using upstream = await startDistribution();
    const image = await pushImage(upstream.client, "team/app", "1");
    const { digest } = image.manifest;
    const subject = { mediaType: image.mediaType, digest, size: image.manifest.bytes.length };
    const artifactType = "application/vnd.example.signature";
    const tag = digest.replace(":", "-");
    const descriptors: (object & { readonly digest: string })[] = [];
    const sign = async (): Promise<Buffer> => {
      const { manifest, mediaType } = await pushImage(upstream.client, "team/app", undefined, {
        extra: { subject, artifactType },
      });
      const signature = { mediaType, digest: manifest.digest, size: manifest.bytes.length, artifactType };
      descriptors.push(signature);
      const index = contentOf(JSON.stringify(indexOf(descriptors)));
      expectStatus(await pushManifest(upstream.client, "team/app", index, OCI_INDEX, tag), 201);
      return index.bytes;
    };
    const sorted = () => [...descriptors].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    const first = await sign();
    await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url, freshness: "1s" } } });
    const ask = async (path: string) => expectStatus(await mirror.client.ask({ path: `/v2/team/app/${path}` }), 200);
    const fetched = await ask(`manifests/${tag}`);
    expect(fetched.body).toEqual(first);
    expect(fetched.headers["content-type"]).toBe(OCI_INDEX);
    expect((await ask(`referrers/${digest}`)).json()).toMatchObject({ manifests: sorted() });

    const second = await sign();
    await expect.poll(async () => (await ask(`manifests/${tag}`)).body, { timeout: 15_000 }).toEqual(second);
    await expect
      .poll(async () => (await ask(`referrers/${digest}`)).json(), { timeout: 15_000 })
      .toMatchObject({ manifests: sorted() });

    // Who verifies signatures pulls them, too.
    for (const { digest: signature } of descriptors) await ask(`manifests/${signature}`);
    await upstream.stop();
    expect((await ask(`manifests/${tag}`)).body).toEqual(second);
    expect((await ask(`referrers/${digest}`)).json()).toMatchObject({ manifests: sorted() });
    // That nothing is cached of another's referrers doesn't mean that there are none.
    for (const name of ["team/app", "team/never-asked-for"]) {
      const other = await mirror.client.ask({ path: `/v2/${name}/referrers/sha256:${"0".repeat(64)}` });
      expect([name, other.status, other.code()]).toEqual([name, 503, "UNAVAILABLE"]);
    }
  });
});
