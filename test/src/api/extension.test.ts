import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  describeContent,
  expectStatus,
  indexOf,
  manifestOf,
  OCI_INDEX,
  OCI_MANIFEST,
  pushImage,
  pushManifest,
  type Image,
} from "@longshore/testkit/fixtures";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { basic, passwordLine } from "../auth/support.js";

const of = (name: string, path: string): string => `/v2/${name}/_longshore/repository/${path}`;

const BUILDS = { name: "builds", repositories: ["other"], tags: ["b-*"], newest: 1 };

describe("lists of the extension API, from two workers", () => {
  let registry: RunningRegistry;
  let image: Image;
  beforeAll(async () => {
    registry = await startRegistry({ config: { http: { workers: 2 }, policy: { retention: { rules: [BUILDS] } } } });
    const { client } = registry;
    image = await pushImage(client, "team/app", "1.9");
    await pushImage(client, "team/app", "1.10", { layers: 5 });
    const platform = { os: "linux", architecture: "arm64" };
    const index = manifestOf(indexOf([{ ...describeContent(image.manifest, OCI_MANIFEST), platform }]));
    expectStatus(await pushManifest(client, "team/app", index, OCI_INDEX, "latest"), 201);
    await pushImage(client, "team/app", undefined, {
      layers: 0,
      extra: {
        artifactType: "application/spdx+json",
        subject: describeContent(image.manifest, OCI_MANIFEST),
      },
    });
    for (const tag of ["b-1", "b-2", "x"]) await pushImage(client, "other", tag, { layers: 0 });
  });
  afterAll(() => registry[Symbol.asyncDispose]());

  const get = async (path: string): Promise<unknown> => {
    // A connection for each request, which any worker may accept.
    const response = await fetch(`${registry.url}${path}`, { headers: { connection: "close" } });
    expect(response.status).toBe(200);
    return response.json();
  };

  it("have tags with platforms, sizes and times, in the order that is asked for", async () => {
    const byVersion = await get(of("team/app", "tags?sort=version&n=2"));
    expect(byVersion).toMatchObject({
      name: "team/app",
      total: 3,
      tags: [
        {
          tag: "1.9",
          digest: image.manifest.digest,
          mediaType: OCI_MANIFEST,
          platforms: [{ os: "linux", architecture: "amd64" }],
        },
        { tag: "1.10" },
      ],
    });
    const { next = "" } = byVersion as { readonly next?: string };
    expect(await get(of("team/app", `tags?sort=version&n=2&last=${encodeURIComponent(next)}`))).toMatchObject({
      tags: [{ tag: "latest", platforms: [{ os: "linux", architecture: "arm64" }] }],
    });
    expect(await get(of("team/app", "tags?sort=size&descending=true&n=1"))).toMatchObject({ tags: [{ tag: "1.10" }] });
    expect(await get(of("team/app", "tags?search=LAT"))).toMatchObject({ total: 1, tags: [{ tag: "latest" }] });
  });

  it("have repositories, what they take, and what refers to a manifest", async () => {
    expect(await get("/v2/_longshore/catalog/repositories?search=a")).toMatchObject({
      total: 1,
      repositories: [{ name: "team/app", tags: 3, manifests: 4 }],
    });
    expect(await get("/v2/_longshore/catalog/repositories?uncounted=true")).toMatchObject({
      total: 2,
      repositories: [{}, { name: "team/app" }],
    });
    expect(await get("/v2/_longshore/maintenance/usage?prefix=team")).toMatchObject({
      repositories: 1,
      tags: 3,
      manifests: 4,
    });
    const history = async () =>
      (await get("/v2/_longshore/maintenance/history")) as { readonly days: readonly { readonly day: string }[] };
    expect(await history()).toEqual({ days: [] });
    const { bytes } = (await get("/v2/_longshore/maintenance/usage")) as { readonly bytes: number };
    const { days } = await history();
    expect(days).toMatchObject([{ repositories: 2, bytes }]);
    expect(days[0]?.day).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(await get(of("team/app", `referrers/${image.manifest.digest}`))).toMatchObject({
      referrers: [{ kind: "sbom", artifactType: "application/spdx+json" }],
    });
  });

  it("have what retention would do with each tag, and why", async () => {
    const [older, newer, other] = [
      { tag: "b-1", kept: false, rule: "builds", reason: "no rule keeps it" },
      { tag: "b-2", kept: true, rule: "builds", reason: "it is among the newest 1" },
      { tag: "x", kept: true },
    ];
    const first = await get(of("other", "retention?n=2"));
    expect(first).toMatchObject({ kept: 2, removed: 1, tags: [older, newer], next: "b-2" });
    const last = await get(of("other", "retention?n=2&last=b-2"));
    expect(last).toMatchObject({ kept: 2, removed: 1, tags: [other] });
    expect(last).not.toHaveProperty("next");
    expect(await get(of("other", "retention?removed=true"))).toMatchObject({ tags: [{ tag: "b-1" }] });
  });

  it("refuse a cursor of another order, and repositories that aren't there", async () => {
    const { next = "" } = (await get(of("team/app", "tags?n=1"))) as { readonly next?: string };
    const wrong = await registry.client.ask({
      path: of("team/app", `tags?sort=size&last=${encodeURIComponent(next)}`),
    });
    expect([wrong.status, wrong.code()]).toEqual([400, "PARAMETER_INVALID"]);
    expect((await registry.client.ask({ path: of("missing", "usage") })).code()).toBe("NAME_UNKNOWN");
  });
});

it("lists show only what the caller may pull", async () => {
  await using folder = await makeTemporaryFolder("extension");
  const path = `${folder.path}/htpasswd`;
  await writeFile(path, passwordLine("ann", "ann's") + passwordLine("admin", "admin's"));
  await using registry = await startRegistry({
    config: {
      auth: { htpasswd: { realm: "test", path } },
      access: [
        { name: "admin", type: "registry", action: ["*"] },
        { name: "ann", type: "repository", repository: "team/*", action: ["pull"] },
        { match: { account: "ann", type: "registry", name: "catalog" }, actions: ["*"] },
      ],
    },
  });
  const admin = { authorization: basic("admin", "admin's") };
  const ann = { authorization: basic("ann", "ann's") };
  const put = async (name: string): Promise<void> => {
    const manifest = manifestOf(indexOf([]));
    const target = `/v2/${name}/manifests/1`;
    const headers = { ...admin, "content-type": OCI_INDEX };
    expectStatus(await registry.client.ask({ method: "PUT", path: target, headers, body: manifest.bytes }), 201);
  };
  for (const name of ["team/app", "secret/app"]) await put(name);
  const list = async (headers: Record<string, string>): Promise<unknown> =>
    (await registry.client.ask({ path: "/v2/_longshore/catalog/repositories", headers })).json();
  expect(await list(ann)).toMatchObject({ total: 1, repositories: [{ name: "team/app" }] });
  expect(await list(admin)).toMatchObject({ total: 2 });
  const usage = await registry.client.ask({ path: "/v2/_longshore/maintenance/usage", headers: ann });
  expect(usage.status).toBe(403);
});
