import { contentOf, indexOf, OCI_INDEX, pushManifest } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { SLOW } from "../clients/site.js";

const POLICY = { immutable: [{ name: "releases", repositories: ["team/*"], tags: ["v*"], excepttags: ["*-rc*"] }] };
const ROUNDS = 4;
const PUSHES = 50;

const imageOf = (text: string) => contentOf(JSON.stringify(indexOf([], { annotations: { is: text } })));

/** How a push ended: `won`, `refused`, or `lost` with its connection. */
async function push(url: string, tag: string, text: string): Promise<"won" | "refused" | "lost"> {
  const client = createHttpClient(url, { keepAlive: false });
  try {
    const answer = await pushManifest(client, "team/app", imageOf(text), OCI_INDEX, tag);
    if (answer.status === 201) return "won";
    expect(answer.text()).toMatch(
      /"code":"DENIED","message":"the tag v\d+ of team\/app is immutable by the rule \\"releases\\"/,
    );
    expect(answer.status).toBe(403);
    return "refused";
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") throw error;
    return "lost";
  } finally {
    client.close();
  }
}

const pull = async (url: string, tag: string): Promise<string | undefined> => {
  const response = await fetch(`${url}/v2/team/app/manifests/${tag}`, { headers: { accept: OCI_INDEX } });
  return response.status === 200 ? await response.text() : undefined;
};

/**
 * Pushes to one tag through all registries, and kills one of them meanwhile. One digest wins; whoever was answered with 201 pushed
 * that one, and every pull sees it from then on.
 */
async function contest(
  registries: RunningRegistry[],
  again: (index: number) => Promise<RunningRegistry>,
): Promise<void> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const tag = `v${round}`;
    const urls = registries.map(({ url }) => url);
    const seen = new Set<string>();
    const victim = round % registries.length;
    const outcomes = await Promise.all(
      Array.from({ length: PUSHES }, async (_, index) => {
        const url = urls[index % urls.length] ?? "";
        if (index === PUSHES / 2) process.kill(registries[victim]?.pid ?? 0, "SIGKILL");
        const outcome = await push(url, tag, `${tag} ${index}`);
        if (outcome === "refused") {
          const found = await pull(url, tag).catch(() => undefined);
          if (found !== undefined) seen.add(found);
        }
        return outcome;
      }),
    );
    await registries[victim]?.stop();
    await registries[victim]?.[Symbol.asyncDispose]();
    registries[victim] = await again(victim);
    // Whatever the kill has left: the tag can be set, and stays.
    await Promise.all(registries.map(({ url }, index) => push(url, tag, `${tag} late ${index}`)));
    const found = await Promise.all(registries.map(({ url }) => pull(url, tag)));
    expect(new Set(found).size).toBe(1);
    const winner = found[0] ?? "";
    for (const each of seen) expect(each).toBe(winner);
    const winners = outcomes.flatMap((outcome, index) => (outcome === "won" ? [imageOf(`${tag} ${index}`)] : []));
    expect(winners.length).toBeLessThanOrEqual(1);
    for (const { bytes } of winners) expect(bytes.toString()).toBe(winner);
    expect(await push(registries[0]?.url ?? "", tag, "another")).toBe("refused");
  }
}

it("a move that an immutable tag refuses changes nothing, and a dry run says so", async () => {
  await using registry = await startRegistry({ config: { policy: POLICY } });
  const { client } = registry;
  for (const tag of ["v1", "latest"]) await pushManifest(client, "team/app", imageOf(tag), OCI_INDEX, tag);
  const move = (query: string) =>
    client.ask({ method: "POST", path: `/v2/other/app/_longshore/repository/moves?from=team/app&${query}` });
  for (const query of ["tag=v1", "tag=v1&dryrun=true"]) {
    const refused = await move(query);
    expect([refused.status, refused.code()]).toEqual([403, "DENIED"]);
  }
  expect((await client.ask({ path: "/v2/other/app/tags/list" })).status).toBe(404);
  for (const query of ["match=*&dryrun=true", "match=*"]) {
    expect((await move(query)).json()).toMatchObject({ tags: [{ tag: "latest" }], kept: [{ tag: "v1" }] });
  }
  expect((await client.ask({ path: "/v2/other/app/tags/list" })).json()).toMatchObject({ tags: ["latest"] });
});

describe("50 pushes to one immutable tag", () => {
  it("set it once, from two processes over one folder", { timeout: SLOW }, async () => {
    const folder = await makeTemporaryFolder("immutable");
    const open = () => startRegistry({ root: folder.path, config: { policy: POLICY } });
    const registries = await Promise.all([open(), open()]);
    try {
      await contest(registries, open);
      expect(await push(registries[0].url, "v9-rc1", "one")).toBe("won");
      expect(await push(registries[1].url, "v9-rc1", "two")).toBe("won");
    } finally {
      for (const each of registries) await each[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    }
  });

  it("set it once, from three replicas over S3", { timeout: SLOW }, async () => {
    await using storage = await startStandIn();
    const s3 = s3Parameters(storage, await storage.newBucket());
    const open = () => startRegistry({ config: { policy: POLICY, storage: { filesystem: undefined, s3 } } });
    const registries = await Promise.all([open(), open(), open()]);
    try {
      await contest(registries, open);
    } finally {
      for (const each of registries) await each[Symbol.asyncDispose]();
    }
  });
});
