import { pushImage } from "@longshore/testkit/fixtures";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { commandsOver, configurationOf } from "./support.js";

it("registry usage prints what repositories take, and counts what they share once", { timeout: 120_000 }, async () => {
  await using folder = await makeTemporaryFolder("usage");
  const root = `${folder.path}/data`;
  await using registry = await startRegistry({ root });
  await pushImage(registry.client, "team/app", "v1");
  await pushImage(registry.client, "team/app", "v2");
  const command = commandsOver(await configurationOf(folder.path, root));
  await command("repository copy", "team/app", "other");

  const { code, stdout } = await command("usage", "--json", "--prefix", "team");
  const team = JSON.parse(stdout) as Record<string, unknown>;
  expect([code, team]).toMatchObject([0, { prefix: "team", repositories: 1, tags: 2 }]);
  expect(team["bytes"]).toBe(team["logicalBytes"]);
  const all = JSON.parse((await command("usage", "--json")).stdout) as Record<string, unknown>;
  expect(all).toEqual({
    ...team,
    prefix: undefined,
    repositories: 2,
    tags: 4,
    logicalBytes: 2 * Number(team["bytes"]),
  });
  expect((await command("usage")).stdout).toMatch(
    /^repositories {2}2\ntags {10}4\nmanifests {5}\d+\nblobs {9}\d+\nstored {8}[\d.]+ KiB\n/,
  );
  expect((await command("usage", "--prefix", "none")).code).toBe(1);
});

it("what a collection has removed counts no more", { timeout: 120_000 }, async () => {
  await using folder = await makeTemporaryFolder("usage");
  await using registry = await startRegistry();
  const { client, root } = registry;
  for (const tag of ["v1", undefined]) await pushImage(client, "team/app", tag);
  const manifests = async (): Promise<unknown> =>
    (await client.ask({ path: "/v2/team/app/_longshore/repository/usage" })).json();
  expect(await manifests()).toMatchObject({ manifests: 2 });
  const command = commandsOver(await configurationOf(folder.path, root));
  expect(await command("garbage-collect", "--grace-period", "0s", "--delete-untagged")).toMatchObject({ code: 0 });
  expect(await manifests()).toMatchObject({ manifests: 1 });
});

it(
  "registry usage writes down what it read of manifests, unless the storage is read-only",
  { timeout: 120_000 },
  async () => {
    await using folder = await makeTemporaryFolder("usage");
    const root = `${folder.path}/data`;
    {
      await using registry = await startRegistry({ root, config: { inventory: { enabled: false } } });
      await pushImage(registry.client, "team/app", "v1");
    }
    const facts = join(root, "docker/registry/v2/longshore/inventory/v1/facts");
    const files = async (): Promise<readonly string[]> =>
      (await readdir(facts, { recursive: true, withFileTypes: true }).catch(() => []))
        .filter((entry) => entry.isFile())
        .map(({ name }) => name);
    const readonly = join(folder.path, "readonly.yml");
    const storage = { filesystem: { rootdirectory: root }, maintenance: { readonly: { enabled: true } } };
    await writeFile(readonly, JSON.stringify({ version: 0.1, storage }));
    const first = await commandsOver(readonly)("usage", "--json");
    expect([first.code, await files()]).toEqual([0, []]);

    const second = await commandsOver(await configurationOf(folder.path, root))("usage", "--json");
    expect([second.code, second.stdout]).toEqual([0, first.stdout]);
    expect(await files()).toHaveLength(1);
  },
);
