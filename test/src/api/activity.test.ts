import { writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { basic, passwordLine } from "../auth/support.js";

it("says after a restart who pushed, and what was pulled", async () => {
  await using folder = await makeTemporaryFolder("activity");
  const path = `${folder.path}/htpasswd`;
  await writeFile(path, passwordLine("alice", "secret"));
  const root = `${folder.path}/data`;
  const config = { auth: { htpasswd: { realm: "r", path } } };
  const headers = { authorization: basic("alice", "secret") };
  const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString();
  {
    await using registry = await startRegistry({ root });
    await pushImage(registry.client, "team/app", "old", { layers: 1 });
  }
  {
    await using registry = await startRegistry({ root, config });
    const { client } = registry;
    const bytes = expectStatus(await client.ask({ path: "/v2/team/app/manifests/old", headers }), 200);
    const type = { ...headers, "content-type": String(bytes.headers["content-type"]) };
    for (const tag of ["new", "unused"])
      expectStatus(
        await client.ask({
          method: "PUT",
          path: `/v2/team/app/manifests/${tag}`,
          headers: type,
          body: bytes.body,
        }),
        201,
      );
    expectStatus(await client.ask({ method: "HEAD", path: "/v2/team/app/manifests/unused", headers }), 200);
    // The client has it: Distribution sends no notification of a pull then.
    const held = { ...headers, "if-none-match": String(bytes.headers["docker-content-digest"]) };
    expectStatus(await client.ask({ path: "/v2/team/app/manifests/unused", headers: held }), 304);
    expectStatus(await client.ask({ path: "/v2/team/app/manifests/new", headers }), 200);
  }
  await using registry = await startRegistry({ root, config });
  const list = await registry.client.ask({ path: "/v2/team/app/_longshore/repository/tags", headers });
  const { tags } = expectStatus(list, 200).json() as { readonly tags: readonly Record<string, unknown>[] };
  const shown = tags.map(({ tag, pushedBy, pulled }) => [tag, pushedBy, pulled]);
  expect(shown).toEqual([
    ["new", "alice", expect.any(String)],
    ["old", undefined, expect.any(String)],
    ["unused", "alice", undefined],
  ]);
  expect(String(shown[0]?.[2]) >= hour).toBe(true);
});
