import { OCI_MANIFEST, pushImage, type Image } from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistryOfKind } from "@longshore/testkit/registry-of-kind";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { commandsOver, configurationOf } from "./support.js";

const PATIENCE = 120_000;

async function statusOf(client: HttpClient, path: string): Promise<number> {
  return (await client.ask({ path: `/v2/${path}`, headers: { accept: OCI_MANIFEST } })).status;
}

async function catalogOf(client: HttpClient): Promise<unknown> {
  const { repositories } = JSON.parse((await client.ask({ path: "/v2/_catalog" })).text()) as { repositories: unknown };
  return repositories;
}

describe("registry repository, beside a registry that serves", () => {
  it("lists, copies, renames and deletes", { timeout: PATIENCE }, async () => {
    await using folder = await makeTemporaryFolder("repositories");
    await using registry = await startRegistry();
    const { client, root } = registry;
    const command = commandsOver(await configurationOf(folder.path, root));
    await pushImage(client, "team/app", "v1");
    await pushImage(client, "team/app", "v2");
    await pushImage(client, "team/app/tools", "v1");

    expect(await command("repository list", "--long")).toMatchObject({
      code: 0,
      stdout: "team/app\t2\t2\nteam/app/tools\t1\t1\n",
    });

    expect(await command("repository copy", "team/app", "mirror/app", "--tag", "v1")).toMatchObject({ code: 0 });
    expect([
      await statusOf(client, "mirror/app/manifests/v1"),
      await statusOf(client, "mirror/app/manifests/v2"),
    ]).toEqual([200, 404]);
    await pushImage(client, "mirror/app", "v2");
    const conflict = await command("repository copy", "team/app", "mirror/app");
    expect(conflict).toMatchObject({ code: 1, stdout: "" });
    expect(conflict.stderr).toContain("mirror/app has 1 of these tags, pointing elsewhere: v2");

    expect(await command("repository rename", "team/app", "shop/app")).toMatchObject({ code: 0 });
    expect(await catalogOf(client)).toEqual(["mirror/app", "shop/app", "team/app/tools"]);
    expect([await statusOf(client, "team/app/manifests/v1"), await statusOf(client, "shop/app/manifests/v1")]).toEqual([
      404, 200,
    ]);

    const asked = await command("repository delete", "shop/app");
    expect(asked).toMatchObject({ code: 1, stdout: "shop/app: 2 tags and 2 manifests would be deleted\n" });
    expect(asked.stderr).toContain("--yes");
    expect(await command("repository delete", "shop/app", "--yes", "--dry-run")).toMatchObject({ code: 0 });
    expect(await statusOf(client, "shop/app/manifests/v1")).toBe(200);
    expect(await command("repository delete", "shop/app", "--yes")).toMatchObject({
      code: 0,
      stdout: "shop/app: 2 tags and 2 manifests deleted, 0 uploads ended\n",
    });
    expect(await statusOf(client, "shop/app/manifests/v1")).toBe(404);
    expect(await catalogOf(client)).toEqual(["mirror/app", "team/app/tools"]);

    const unknown = await command("repository delete", "shop/app", "--yes");
    expect(unknown).toMatchObject({ code: 1 });
    expect(unknown.stderr).toContain("there is no repository shop/app");
    expect((await command("repository delete", "Not/A/Name", "--yes")).code).toBe(1);
    expect((await command("repository copy", "mirror/app", "mirror/app")).stderr).toContain("the same repository");
  });
});

describe("registry repository, and immutable tags", () => {
  it("is refused what would move or delete one, and changes nothing", { timeout: PATIENCE }, async () => {
    await using folder = await makeTemporaryFolder("repositories");
    await using registry = await startRegistry();
    const { client, root } = registry;
    const file = await configurationOf(folder.path, root);
    await pushImage(client, "team/app", "latest");
    await pushImage(client, "team/app", "v1");
    await pushImage(client, "other/app", "v1");
    const unlimited = await readFile(file, "utf8");
    const immutable = [{ name: "releases", repositories: ["team/**"], tags: ["v*"] }];
    await writeFile(file, JSON.stringify({ ...(JSON.parse(unlimited) as object), policy: { immutable } }));
    const command = commandsOver(file);
    for (const words of [
      ["repository delete", "team/app", "--yes"],
      ["repository rename", "team/app", "shop/app"],
      ["repository copy", "other/app", "team/app", "--overwrite"],
    ]) {
      const [name = "", ...operands] = words;
      const refused = await command(name, ...operands);
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(refused.stderr).toContain('the tag v1 of team/app is immutable by the rule "releases"');
      expect(refused.stderr).toContain("take the tag out");
    }
    expect(await catalogOf(client)).toEqual(["other/app", "team/app"]);
    expect([
      await statusOf(client, "team/app/manifests/latest"),
      await statusOf(client, "team/app/manifests/v1"),
    ]).toEqual([200, 200]);

    await writeFile(file, unlimited);
    expect(await command("repository delete", "team/app", "--yes")).toMatchObject({ code: 0 });
  });
});

describePeers("a volume with removed repositories", ["docker-registry"], () => {
  it("is served by Distribution, which knows nothing of them after a collection", { timeout: PATIENCE }, async () => {
    await using folder = await makeTemporaryFolder("repositories");
    const root = `${folder.path}/data`;
    let image: Image;
    {
      await using registry = await startRegistry({ root });
      await pushImage(registry.client, "team/app", "v1");
      image = await pushImage(registry.client, "team/old", "v1");
      const command = commandsOver(await configurationOf(folder.path, root));
      expect(await command("repository rename", "team/old", "team/new")).toMatchObject({ code: 0 });
      expect(await command("repository delete", "team/app", "--yes")).toMatchObject({ code: 0 });
      expect(await command("garbage-collect", "--grace-period", "0s")).toMatchObject({ code: 0 });
    }
    await using original = await startRegistryOfKind({ kind: "docker-registry", root });
    const client = createHttpClient(`http://${original.host}`);
    try {
      expect(await catalogOf(client)).toEqual(["team/new"]);
      expect(await statusOf(client, "team/new/manifests/v1")).toBe(200);
      expect(await statusOf(client, `team/new/blobs/${image.config.digest}`)).toBe(200);
      expect(await statusOf(client, "team/old/tags/list")).toBe(404);
    } finally {
      client.close();
    }
  });
});
