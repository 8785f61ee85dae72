import { describe, expect, it } from "vitest";
import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { startRegistry } from "@longshore/testkit/start-registry";

const RUNS = "/v2/_longshore/maintenance/runs";

describe("a collection that a client asks for", () => {
  it.each([1, 2])("runs, and can be watched from each of %i processes", async (workers) => {
    await using registry = await startRegistry({
      config: { http: { workers }, storage: { maintenance: { gc: { graceperiod: "0s" } } } },
    });
    const { client } = registry;
    const image = await pushImage(client, "team/app", "1.0");
    const manifest = `/v2/team/app/manifests/${image.manifest.digest}`;
    expectStatus(await client.ask({ method: "DELETE", path: manifest }), 202);

    const ask = async (query: string) => client.ask({ method: "POST", path: `${RUNS}?job=collection${query}` });
    const watch = async (path: string) => {
      await expect
        .poll(async () => (await client.ask({ path })).json(), { timeout: 20_000 })
        .toMatchObject({ state: "done" });
      return (await client.ask({ path })).json();
    };
    const dry = expectStatus(await ask("&dryrun=true"), 202);
    expect(dry.json()).toMatchObject({ job: "collection", dryRun: true });
    expect(await watch(dry.headers.location ?? "")).toMatchObject({ result: { eligibleBlobs: 4, removedBlobs: 0 } });

    const real = expectStatus(await ask(""), 202);
    expect(await watch(real.headers.location ?? "")).toMatchObject({ result: { removedBlobs: 4 } });
    const list = (await client.ask({ path: RUNS })).json();
    expect(list).toMatchObject({ runs: [{ dryRun: false }, { dryRun: true }] });
  });

  it("isn't started by a page of another site, by a wrong word, or where nothing may be deleted", async () => {
    await using registry = await startRegistry({ config: { storage: { delete: { enabled: false } } } });
    const ask = (query: string, headers = {}) =>
      registry.client.ask({ method: "POST", path: `${RUNS}?${query}`, headers });
    const foreign = await ask("job=collection&dryrun=true", { origin: "https://evil.example" });
    expect([foreign.status, foreign.code()]).toEqual([403, "DENIED"]);
    const own = await ask("job=collection&dryrun=true", { origin: registry.url });
    expect(own.status).toBe(202);
    expect((await ask("job=collection")).status).toBe(405);
    const wrong = await ask("job=everything");
    expect([wrong.status, wrong.detail()]).toEqual([400, "job must be one of collection, retention"]);
    expect((await registry.client.ask({ path: `${RUNS}/unknown` })).status).toBe(404);
  });
});
