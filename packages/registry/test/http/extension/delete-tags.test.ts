import { describe, expect, it } from "vitest";
import { pushImage } from "@longshore/testkit/fixtures";
import { startApi, type ApiSettings } from "@longshore/testkit/start-registry";
import { documentOf } from "./support.js";

const PATH = "/v2/team/app/_longshore/repository/tags";

async function startWithTags(tags: readonly string[], settings?: ApiSettings) {
  const api = await startApi(settings);
  for (const tag of tags) await pushImage(api.client, "team/app", tag, { layers: 0 });
  const list = async (): Promise<unknown> => (await api.client.ask({ path: "/v2/team/app/tags/list" })).json();
  return { ...api, list, [Symbol.asyncDispose]: () => api.stop() };
}

describe("deleting tags by a pattern", () => {
  it("deletes those that match and keeps the others, with their manifests", async () => {
    await using api = await startWithTags(["1.0", "pr-1", "pr-2", "pr"]);
    const dry = documentOf(
      await api.client.ask({ method: "DELETE", path: `${PATH}?match=pr-*&dryrun=true` }),
      "TagRemoval",
    );
    expect([dry.dryRun, dry.removed.map(({ tag }) => tag)]).toEqual([true, ["pr-1", "pr-2"]]);
    expect(await api.list()).toMatchObject({ tags: ["1.0", "pr", "pr-1", "pr-2"] });

    const done = documentOf(await api.client.ask({ method: "DELETE", path: `${PATH}?match=pr-*` }), "TagRemoval");
    expect(done).toEqual({ ...dry, dryRun: false });
    expect(await api.list()).toMatchObject({ tags: ["1.0", "pr"] });
    const [first] = done.removed;
    expect((await api.client.ask({ path: `/v2/team/app/manifests/${first?.digest ?? ""}` })).status).toBe(200);
  });

  it("takes no pattern that would keep the registry busy", async () => {
    await using api = await startWithTags(["1.0"]);
    for (const match of ["*a".repeat(17), "a".repeat(129)]) {
      const refused = await api.client.ask({ method: "DELETE", path: `${PATH}?match=${match}` });
      expect([refused.status, refused.code()]).toEqual([400, "PARAMETER_INVALID"]);
      expect(refused.detail()).toContain("128 characters, and 16 of them");
    }
    const most = await api.client.ask({ method: "DELETE", path: `${PATH}?match=${"*".repeat(16)}${"a".repeat(112)}` });
    expect(most.status).toBe(200);
  });

  it("needs a pattern, and deletion to be enabled", async () => {
    await using api = await startWithTags(["1.0"], { config: { storage: { delete: { enabled: false } } } });
    const without = await api.client.ask({ method: "DELETE", path: PATH });
    expect([without.status, without.detail()]).toEqual([400, "the parameter match is missing"]);
    const refused = await api.client.ask({ method: "DELETE", path: `${PATH}?match=*` });
    expect([refused.status, refused.code()]).toEqual([405, "UNSUPPORTED"]);
    expect(await api.list()).toMatchObject({ tags: ["1.0"] });
  });
});
