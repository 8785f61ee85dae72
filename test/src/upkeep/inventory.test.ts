import { readdir, writeFile } from "node:fs/promises";
import { expectStatus, pushImage, type Image } from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { startRegistryOfKind } from "@longshore/testkit/registry-of-kind";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { stringify } from "yaml";

const NAME = "team/app";

async function tagsOf(client: HttpClient): Promise<unknown> {
  const answer = await client.ask({ path: `/v2/${NAME}/_longshore/repository/tags` });
  return expectStatus(answer, 200).json();
}

async function expectPulls(client: HttpClient, tag: string, image: Image): Promise<void> {
  const accept = { accept: image.mediaType };
  const answer = await client.ask({ path: `/v2/${NAME}/manifests/${tag}`, headers: accept });
  expect(expectStatus(answer, 200).body.equals(image.manifest.bytes)).toBe(true);
  for (const layer of image.layers) {
    expect((await client.ask({ path: `/v2/${NAME}/blobs/${layer.digest}` })).body.equals(layer.bytes)).toBe(true);
  }
}

describePeers("a volume with an inventory", ["docker-registry"], () => {
  it("is served and collected by Distribution, and given back", async () => {
    await using folder = await makeTemporaryFolder("inventory");
    const root = `${folder.path}/data`;
    let ours: Image;
    let listed: unknown;
    {
      await using registry = await startRegistry({ root });
      ours = await pushImage(registry.client, NAME, "ours");
      listed = await tagsOf(registry.client);
    }
    const facts = `${root}/docker/registry/v2/longshore/inventory/v1/facts`;
    expect(await readdir(facts)).toHaveLength(1);

    let theirs: Image;
    {
      await using registry = await startRegistryOfKind({ kind: "docker-registry", root });
      const client = createHttpClient(`http://${registry.host}`);
      await expectPulls(client, "ours", ours);
      theirs = await pushImage(client, NAME, "theirs");
      expect((await client.ask({ path: "/v2/_catalog" })).json()).toEqual({ repositories: [NAME] });
      client.close();
    }
    const configuration = `${folder.path}/config.yml`;
    await writeFile(configuration, stringify({ version: 0.1, storage: { filesystem: { rootdirectory: root } } }));
    await run("docker-registry", ["garbage-collect", configuration]);

    await using registry = await startRegistry({ root });
    expect(await tagsOf(registry.client)).toMatchObject({
      tags: [
        ...(listed as { readonly tags: readonly object[] }).tags,
        { tag: "theirs", digest: theirs.manifest.digest },
      ],
      total: 2,
    });
    await expectPulls(registry.client, "ours", ours);
    await expectPulls(registry.client, "theirs", theirs);
  });
});
