import { describe, expect, it } from "vitest";
import { parseTagName } from "@longshore/storage";
import { expectStatus, pushBlob, pushImage, pushManifest, randomContent } from "@longshore/testkit/fixtures";
import { parsePlatform } from "../../src/configuration.js";
import { openCopySite, pushPlatforms, pushReferrer, referrersOf, type TargetKind } from "./site.js";

const TARGETS: readonly TargetKind[] = ["storage", "registry"];

describe.each(TARGETS)("copying to a %s", (kind) => {
  it("brings tags with everything below them, byte for byte", async () => {
    await using site = await openCopySite(kind);
    const image = await pushImage(site.source, "team/app", "v1");
    const index = await pushPlatforms(site.source, "team/app", "v2");
    const result = await site.copy();
    expect(result).toMatchObject({ copied: 2, unchanged: 0, failed: 0, failures: [] });
    const got = expectStatus(await site.target.ask({ path: "/v2/copies/team/app/manifests/v1" }), 200);
    expect(got.body).toEqual(image.manifest.bytes);
    for (const { digest, bytes } of [image.config, ...image.layers]) {
      expect((await site.target.ask({ path: `/v2/copies/team/app/blobs/${digest}` })).body).toEqual(bytes);
    }
    expect((await site.target.ask({ path: "/v2/copies/team/app/manifests/v2" })).body).toEqual(index.bytes);
  });

  it("skips what is there, and asks the source for nothing but its tags", async () => {
    await using site = await openCopySite(kind);
    await pushImage(site.source, "team/app", "v1");
    await site.copy({ referrers: false });
    const before = site.asked();
    expect(await site.copy({ referrers: false })).toMatchObject({ copied: 0, unchanged: 1, blobs: 0, bytes: 0 });
    // Catalog, tag list, HEAD of the tag.
    expect(site.asked() - before).toBe(3);
  });

  it("brings referrers, and those that come later", async () => {
    await using site = await openCopySite(kind);
    const image = await pushImage(site.source, "team/app", "v1");
    const first = await pushReferrer(site.source, "team/app", image.manifest);
    await site.copy();
    expect(await referrersOf(site.target, "copies/team/app", image.manifest)).toEqual([first.digest]);
    const second = await pushReferrer(site.source, "team/app", image.manifest);
    expect(await site.copy()).toMatchObject({ unchanged: 1 });
    const found = await referrersOf(site.target, "copies/team/app", image.manifest);
    expect(new Set(found)).toEqual(new Set([first.digest, second.digest]));
  });

  it("brings the tags of signatures along with what they sign", async () => {
    await using site = await openCopySite(kind);
    const image = await pushImage(site.source, "team/app", "v1");
    const other = await pushImage(site.source, "team/app", "nightly");
    const signatureTag = `${image.manifest.digest.replace(":", "-")}.sig`;
    await pushImage(site.source, "team/app", signatureTag);
    await pushImage(site.source, "team/app", `${other.manifest.digest.replace(":", "-")}.sig`);
    await site.copy({ tags: ["v*"] });
    const { tags } = (await site.target.ask({ path: "/v2/copies/team/app/tags/list" })).json() as { tags: string[] };
    expect(tags.sort()).toEqual([signatureTag, "v1"].sort());
  });

  it("changes nothing in a dry run", async () => {
    await using site = await openCopySite(kind);
    await pushImage(site.source, "team/app", "v1");
    expect(await site.copy({ dryRun: true })).toMatchObject({ copied: 1, manifests: 0 });
    expect((await site.target.ask({ path: "/v2/copies/team/app/tags/list" })).status).toBe(404);
  });

  it("reports what fails, and copies the rest", async () => {
    await using site = await openCopySite(kind);
    const broken = await pushImage(site.source, "team/app", "broken");
    await pushImage(site.source, "team/app", "sound");
    const [layer] = broken.layers;
    expectStatus(await site.source.ask({ method: "DELETE", path: `/v2/team/app/blobs/${layer?.digest ?? ""}` }), 202);
    const result = await site.copy();
    expect(result).toMatchObject({ copied: 1, failed: 1 });
    expect(result.failures.join()).toMatch(/team\/app:broken: .*doesn't have this blob/);
    expect((await site.target.ask({ path: "/v2/copies/team/app/manifests/broken" })).status).toBe(404);
    expectStatus(await site.target.ask({ path: "/v2/copies/team/app/manifests/sound" }), 200);
  });

  it("continues after it was interrupted, and shows nothing half done", async () => {
    await using site = await openCopySite(kind);
    for (const tag of ["a", "b", "c", "d"]) await pushImage(site.source, "team/app", tag);
    const stop = new AbortController();
    const copying = site.copy({
      jobs: 1,
      signal: stop.signal,
      observer: { progress: ({ done }) => void (done === 2 && stop.abort(new Error("stopped"))) },
    });
    await expect(copying).rejects.toThrow("stopped");
    const again = await site.copy();
    expect(again).toMatchObject({ failed: 0 });
    expect(again.unchanged).toBeGreaterThanOrEqual(1);
    expect(again.copied + again.unchanged).toBe(4);
  });

  it("takes repositories and tags by pattern, a digest, or a new tag", async () => {
    await using site = await openCopySite(kind);
    const image = await pushImage(site.source, "team/app", "v1.2");
    await pushImage(site.source, "team/app", "v2.0");
    await pushImage(site.source, "other/app", "v1.0");
    expect(await site.copy({ repositories: ["team/*"], tags: ["v1.*"] })).toMatchObject({ copied: 1 });
    await site.copy({ repositories: ["team/app"], tags: ["v1.2"], renameTag: parseTagName("stable") });
    expect((await site.target.ask({ path: "/v2/copies/team/app/manifests/stable" })).body).toEqual(
      image.manifest.bytes,
    );
    expect(await site.copy({ repositories: ["team/app"], tags: [image.manifest.digest] })).toMatchObject({
      unchanged: 1,
    });
    await expect(site.copy({ repositories: ["nothing/*"] })).rejects.toThrow(/no repository .* matches nothing/);
  });
});

describe("copying to a storage", () => {
  it("links blobs that another repository has, and fetches none of them", async () => {
    await using site = await openCopySite("storage");
    const image = await pushImage(site.source, "team/app", "v1");
    for (const blob of [image.config, ...image.layers]) await pushBlob(site.target, "mine", blob);
    expect(await site.copy()).toMatchObject({ copied: 1, blobs: 0, bytes: 0 });
    expectStatus(await site.target.ask({ path: `/v2/copies/team/app/blobs/${image.config.digest}` }), 200);
  });

  it("fetches a blob of several images once", async () => {
    await using site = await openCopySite("storage");
    const image = await pushImage(site.source, "team/app", "v1");
    expectStatus(await pushManifest(site.source, "team/app", image.manifest, image.mediaType, "v2"), 201);
    expect(await site.copy()).toMatchObject({ copied: 2, blobs: 3 });
  });
});

describe("some platforms", () => {
  it("are copied with the index as it is, where the target takes one", async () => {
    await using site = await openCopySite("storage");
    await pushPlatforms(site.source, "team/app", "v1");
    const result = await site.copy({ platforms: [parsePlatform("linux/amd64")] });
    // This target asks for all children.
    expect(result.failures.join()).toMatch(/references unknown/);
    expect(result.manifests).toBe(1);
  });

  it("that an index doesn't have are named", async () => {
    await using site = await openCopySite("storage");
    await pushPlatforms(site.source, "team/app", "v1");
    const result = await site.copy({ platforms: [parsePlatform("windows/amd64")] });
    expect(result.failures.join()).toMatch(/the index has no image for windows\/amd64/);
  });
});

it("a blob is never stored under a digest that it hasn't", async () => {
  await using site = await openCopySite("storage");
  const { serveStandIn, openUpstream, sendManifest } = await import("../upstream/site.js");
  const lie = randomContent(2);
  await using liar = await serveStandIn(({ path }, response) => {
    if (path.includes("/blobs/")) return void response.end(lie.bytes);
    if (path.includes("/tags/")) return void response.end('{"tags":["v1"]}');
    if (path.includes("/referrers/")) return void response.writeHead(404).end();
    sendManifest(response);
  });
  await using upstream = openUpstream(liar.url);
  const result = await site.copy({ source: upstream, repositories: ["team/app"] });
  expect(result.failures.join()).toMatch(/content does not match digest/);
  expect((await site.target.ask({ path: "/v2/copies/team/app/tags/list" })).status).toBe(404);
});
