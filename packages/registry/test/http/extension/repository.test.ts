import { describe, expect, it } from "vitest";
import {
  expectStatus,
  indexOf,
  manifestOf,
  OCI_INDEX,
  pushImage,
  pushManifest,
  describeContent,
  OCI_MANIFEST,
} from "@longshore/testkit/fixtures";
import type { HttpClient } from "@longshore/testkit/http-client";
import { startApi } from "@longshore/testkit/start-registry";
import { documentOf } from "./support.js";

const of = (name: string, component: string): string => `/v2/${name}/_longshore/repository/${component}`;

async function tagsOf(client: HttpClient, name: string): Promise<unknown> {
  const answer = await client.ask({ path: `/v2/${name}/tags/list` });
  return answer.status === 200 ? answer.json() : answer.code();
}

describe("deleting a repository", () => {
  it("removes it from the catalog at once, and leaves those below it", async () => {
    await using api = await startApi();
    const { client } = api;
    await pushImage(client, "team/app", "1.0");
    await pushImage(client, "team/app/sub", "1.0");
    const gone = documentOf(
      await client.ask({ method: "DELETE", path: of("team/app", "contents") }),
      "RepositoryRemoval",
    );
    expect(gone).toEqual({ name: "team/app", manifests: 1, tags: 1, uploads: 0, left: 0 });
    expect((await client.ask({ path: "/v2/_catalog" })).json()).toEqual({ repositories: ["team/app/sub"] });
    expect(await tagsOf(client, "team/app")).toBe("NAME_UNKNOWN");
    expect((await client.ask({ method: "DELETE", path: of("team/app", "contents") })).code()).toBe("NAME_UNKNOWN");
  });

  it("needs deletion to be enabled", async () => {
    await using api = await startApi({ config: { storage: { delete: { enabled: false } } } });
    await pushImage(api.client, "team/app", "1.0");
    const refused = await api.client.ask({ method: "DELETE", path: of("team/app", "contents") });
    expect([refused.status, refused.code()]).toEqual([405, "UNSUPPORTED"]);
    expect(await tagsOf(api.client, "team/app")).toMatchObject({ tags: ["1.0"] });
  });
});

describe("copying and moving tags", () => {
  it("copies an index with its children under another tag", async () => {
    await using api = await startApi();
    const { client } = api;
    const child = await pushImage(client, "team/app");
    const index = manifestOf(indexOf([describeContent(child.manifest, OCI_MANIFEST)]));
    expectStatus(await pushManifest(client, "team/app", index, OCI_INDEX, "1.0"), 201);
    const path = `${of("production/app", "copies")}?from=team/app&tag=1.0&as=stable`;
    const dry = documentOf(await client.ask({ method: "POST", path: `${path}&dryrun=true` }), "Copy");
    expect(dry.tags).toEqual([{ tag: "1.0", as: "stable", digest: index.digest }]);
    expect(await tagsOf(client, "production/app")).toBe("NAME_UNKNOWN");

    const done = documentOf(await client.ask({ method: "POST", path }), "Copy");
    expect(done).toMatchObject({
      from: "team/app",
      to: "production/app",
      tags: dry.tags,
      kept: [],
      manifests: 2,
      blobs: 3,
    });
    expect(await tagsOf(client, "production/app")).toMatchObject({ tags: ["stable"] });
    expect((await client.ask({ path: `/v2/production/app/manifests/${child.manifest.digest}` })).status).toBe(200);
    expect(await tagsOf(client, "team/app")).toMatchObject({ tags: ["1.0"] });
  });

  it("moves the tags that match", async () => {
    await using api = await startApi();
    const { client } = api;
    for (const tag of ["v1", "v2", "w1"]) await pushImage(client, "old/app", tag, { layers: 0 });
    const moved = documentOf(
      await client.ask({ method: "POST", path: `${of("new/app", "moves")}?from=old/app&match=v*` }),
      "Copy",
    );
    expect(moved.tags.map(({ tag }) => tag)).toEqual(["v1", "v2"]);
    expect(await tagsOf(client, "new/app")).toMatchObject({ tags: ["v1", "v2"] });
    expect(await tagsOf(client, "old/app")).toMatchObject({ tags: ["w1"] });
  });

  it("refuses what can't be meant, and what isn't there", async () => {
    await using api = await startApi();
    const { client } = api;
    await pushImage(client, "a", "1.0", { layers: 0 });
    const copy = (query: string, kind = "copies") => client.ask({ method: "POST", path: `${of("b", kind)}?${query}` });
    expect((await copy("tag=1.0")).detail()).toBe("the parameter from is missing");
    expect((await copy("from=a&as=x")).code()).toBe("PARAMETER_INVALID");
    expect((await copy("from=A&tag=1.0")).code()).toBe("NAME_INVALID");
    expect((await copy("from=a&tag=2.0")).status).toBe(404);
    const same = await client.ask({ method: "POST", path: `${of("a", "moves")}?from=a&tag=1.0` });
    expect(same.code()).toBe("PARAMETER_INVALID");
    expect(await tagsOf(client, "a")).toMatchObject({ tags: ["1.0"] });
  });
});
