import { pushBlob, pushImage, pushManifest, makeImage, OCI_MANIFEST } from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistryOfKind } from "@longshore/testkit/registry-of-kind";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { digestOfTag, faultsOf, tagsOf } from "./pushers.js";
import { commandsOver, configurationOf } from "./support.js";

const POLICY = {
  immutable: [{ name: "releases", repositories: ["team/*"], tags: ["v*"] }],
  quota: [{ name: "small", prefix: "small", bytes: 2000 }],
  retention: {
    rules: [{ name: "builds", repositories: ["team/*"], tags: ["b-*"], newest: 2 }],
    untagged: [{ name: "at once", repositories: ["*", "**"], age: "0s" }],
  },
};

/** Every repository with the digest of each of its tags; fails if anything is missing of an image. */
async function contentOf(client: HttpClient): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const { repositories } = (await client.ask({ path: "/v2/_catalog" })).json() as { repositories: readonly string[] };
  const content: Record<string, Record<string, string>> = {};
  for (const name of repositories) {
    const tags: Record<string, string> = {};
    for (const tag of await tagsOf(client, name)) {
      tags[tag] = (await digestOfTag(client, name, tag)) ?? "missing";
      expect(await faultsOf(client, name, tag)).toEqual([]);
    }
    // Distribution also lists what a refused push has left.
    if (Object.keys(tags).length > 0) content[name] = tags;
  }
  return content;
}

describePeers("a volume that went through everything", ["docker-registry"], () => {
  it("is served by Distribution unchanged, and so is its restored backup", { timeout: 300_000 }, async () => {
    await using folder = await makeTemporaryFolder("everything");
    const root = join(folder.path, "data");
    const restored = join(folder.path, "restored");
    const file = join(folder.path, "site.yml");
    const storage = { filesystem: { rootdirectory: root } };
    await writeFile(file, JSON.stringify({ version: 0.1, storage, policy: POLICY }));
    const command = commandsOver(file);
    const copy = await configurationOf(folder.path, join(folder.path, "copy"), "copy.yml");
    const ofRestored = commandsOver(await configurationOf(folder.path, restored, "restored.yml"));
    const succeed = async (words: string, ...args: readonly string[]): Promise<void> => {
      expect([words, await command(words, ...args)]).toMatchObject([words, { code: 0 }]);
    };
    let served: Awaited<ReturnType<typeof contentOf>>;
    {
      await using registry = await startRegistry({ root, config: { policy: POLICY } });
      const { client } = registry;
      for (const tag of ["v1", "b-1", "b-2", "latest"]) await pushImage(client, "team/app", tag);
      const [damaged] = (await pushImage(client, "team/app", "b-3")).layers;
      for (const name of ["shop/old", "other/gone", "small/app"]) await pushImage(client, name, "x");
      const other = makeImage();
      for (const blob of [other.config, ...other.layers]) await pushBlob(client, "team/app", blob);
      const overwrite = await pushManifest(client, "team/app", other.manifest, OCI_MANIFEST, "v1");
      expect([overwrite.status, overwrite.text()]).toEqual([403, expect.stringContaining("releases")]);
      await expect(pushImage(client, "small/other", "x", { layers: 30 })).rejects.toThrow("small");

      await succeed("repository copy", "team/app", "mirror/app");
      await succeed("repository rename", "shop/old", "shop/new");
      await succeed("repository delete", "other/gone", "--yes");
      await succeed("retention");
      if (damaged === undefined) throw new Error("an image has layers");
      const hex = damaged.digest.slice("sha256:".length);
      const path = join(root, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
      await writeFile(path, "rotten");
      expect((await command("scrub", "--quarantine", "--repair")).stdout).toContain(
        `quarantined: blob ${damaged.digest}`,
      );
      await pushBlob(client, "team/app", damaged);
      await succeed("scrub");
      await succeed("garbage-collect", "--grace-period", "0s", "--delete-untagged");
      await succeed("backup", copy);
      expect(await ofRestored("restore", copy)).toMatchObject({ code: 0 });
      served = await contentOf(client);
    }
    expect(Object.entries(served).map(([name, tags]) => [name, Object.keys(tags)])).toEqual([
      ["mirror/app", ["b-1", "b-2", "b-3", "latest", "v1"]],
      ["shop/new", ["x"]],
      ["small/app", ["x"]],
      ["team/app", ["b-2", "b-3", "latest", "v1"]],
    ]);
    for (const place of [root, restored]) {
      await using distribution = await startRegistryOfKind({ kind: "docker-registry", root: place });
      const client = createHttpClient(`http://${distribution.host}`);
      try {
        expect(await contentOf(client)).toEqual(served);
        await pushImage(client, "team/app", "later");
      } finally {
        client.close();
      }
    }
  });
});
