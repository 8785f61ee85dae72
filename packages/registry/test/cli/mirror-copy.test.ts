import { writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { attempt } from "@longshore/testkit/processes";
import { startApi, startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { PROGRAM } from "@longshore/testkit/project";

it("mirror copy brings repositories into the storage of a registry that serves", async () => {
  await using source = await startApi();
  await using target = await startRegistry();
  await using folder = await makeTemporaryFolder("copy");
  const image = await pushImage(source.client, "team/app", "v1");
  const config = `${folder.path}/config.yml`;
  await writeFile(config, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${target.root}}}\nhttp: {addr: ":0"}\n`);
  const copy = (...flags: string[]) =>
    attempt(process.execPath, [PROGRAM, "mirror", "copy", config, `${source.client.origin}/**`, "mirror", ...flags]);

  const rehearsed = await copy("--dry-run");
  expect(rehearsed).toMatchObject({ code: 0 });
  expect(rehearsed.stderr).toContain("dry run: 1 tag would be copied");
  const copied = await copy();
  expect(copied.code).toBe(0);
  expect(copied.stdout).toMatch(/team\/app:v1 -> mirror\/team\/app:v1\n$/);
  const got = expectStatus(await target.client.ask({ path: "/v2/mirror/team/app/manifests/v1" }), 200);
  expect(got.body).toEqual(image.manifest.bytes);
  const again = await copy();
  expect(again).toMatchObject({ code: 0, stdout: "" });
  expect(again.stderr).toContain("0 tags copied");
  expect((await copy("--jobs", "many")).stderr).toContain("a number from 1 to 64");
});
