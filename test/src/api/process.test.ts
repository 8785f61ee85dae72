import { expect, it } from "vitest";
import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistry } from "@longshore/testkit/start-registry";

it("a registry in a process of its own serves what it was given, also to the next one", async () => {
  await using folder = await makeTemporaryFolder("process");
  const root = `${folder.path}/data`;
  await using first = await startRegistry({ root });
  const { manifest } = await pushImage(first.client, "a/b", "latest");
  expect(await first.stop()).toBe(0);
  expect(first.logs()).toContain("listening on");

  await using second = await startRegistry({ root, config: { http: { workers: 2, prefix: "/reg/" } } });
  const answer = await second.client.ask({ path: "/reg/v2/a/b/manifests/latest" });
  expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([200, manifest.digest]);
  expectStatus(await second.client.ask({ path: "/v2/" }), 404);
  expect(await second.stop()).toBe(0);
});
