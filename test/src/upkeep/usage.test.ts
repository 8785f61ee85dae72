import { pushImage } from "@longshore/testkit/fixtures";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
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
    /^repositories {2}2\ntags {10}4\nmanifests {5}\d+\nblobs {9}\d+\nstored {8}0\.0 MiB\n/,
  );
  expect((await command("usage", "--prefix", "none")).code).toBe(1);
});
