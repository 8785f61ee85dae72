import {
  contentOf,
  describeContent,
  expectStatus,
  indexOf,
  locationOf,
  manifestOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushManifest,
  randomContent,
  startUpload,
  type Content,
} from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { SLOW } from "../clients/site.js";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const EMPTY_INDEX = contentOf(JSON.stringify(indexOf([])));
const CONFIG = contentOf("{}");

function artifactOf(layer: Content, size = layer.bytes.byteLength): Content {
  return manifestOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describeContent(CONFIG, OCI_CONFIG),
    layers: [{ ...describeContent(layer, LAYER), size }],
  });
}

/** Pushes an artifact of one layer of so many bytes; returns the manifest's status and text. */
async function pushArtifact(client: HttpClient, name: string, tag: string, size: number) {
  const layer = randomContent(size);
  await pushBlob(client, name, CONFIG);
  await pushBlob(client, name, layer);
  return pushManifest(client, name, artifactOf(layer), OCI_MANIFEST, tag);
}

async function usageOf(url: string, prefix: string): Promise<{ readonly bytes: number; readonly tags: number }> {
  const response = await fetch(`${url}/v2/_longshore/maintenance/usage?prefix=${prefix}`);
  const { bytes, tags } = (await response.json()) as { bytes: number; tags: number };
  return { bytes, tags };
}

describe("a quota of bytes", () => {
  const config = { policy: { quota: [{ name: "teams", prefix: "team", bytes: 10_000 }] } };

  it("refuses a layer before it is sent, and a manifest that doesn't fit, with what is used and allowed", async () => {
    await using registry = await startRegistry({ config });
    const { client } = registry;
    expectStatus(await pushArtifact(client, "team/app", "1", 6000), 201);
    const location = await startUpload(client, "team/other");
    const large = randomContent(5000);
    const refused = await client.ask({
      method: "PUT",
      path: `${location}&digest=${large.digest}`,
      headers: { "content-type": "application/octet-stream" },
      body: large.bytes,
    });
    expect([refused.status, refused.code()]).toEqual([403, "DENIED"]);
    expect(refused.text()).toMatch(/the quota \\"teams\\" of team allows 9.77 KiB: [\d.]+ KiB are used/);
    expect(refused.detail()).toMatchObject({ quota: "teams", prefix: "team", measure: "bytes", allowed: 10_000 });
    // Elsewhere there is no quota, and what the prefix has already adds nothing.
    expectStatus(await pushArtifact(client, "free/app", "1", 20_000), 201);
  });

  it("counts what repositories share once, and makes room when something is deleted", async () => {
    await using registry = await startRegistry({ config });
    const { client } = registry;
    const layer = randomContent(7000);
    const manifest = artifactOf(layer);
    for (const name of ["team/a", "team/b"]) {
      await pushBlob(client, name, CONFIG);
      const mount = `/v2/${name}/blobs/uploads/?mount=${layer.digest}&from=team/a`;
      if (name === "team/a") await pushBlob(client, name, layer);
      else expectStatus(await client.ask({ method: "POST", path: mount }), 201);
      expectStatus(await pushManifest(client, name, manifest, OCI_MANIFEST, "1"), 201);
    }
    expect(await usageOf(registry.url, "team")).toMatchObject({ bytes: 7002 + manifest.bytes.byteLength, tags: 2 });
    for (const name of ["team/a", "team/b"]) {
      const path = `/v2/${name}/manifests/${manifest.digest}`;
      expectStatus(await client.ask({ method: "DELETE", path }), 202);
    }
    expectStatus(await pushArtifact(client, "team/c", "1", 7000), 201);
  });

  it("isn't deceived by a manifest that says its layer is small", async () => {
    await using registry = await startRegistry({ config });
    const { client } = registry;
    const layer = randomContent(5000);
    await pushBlob(client, "team/app", CONFIG);
    await pushBlob(client, "team/app", layer);
    const answer = await pushManifest(client, "team/app", artifactOf(layer, 1), OCI_MANIFEST, "1");
    expect([answer.status, answer.code()]).toEqual([403, "DENIED"]);
  });
});

describe("a quota of bytes can't be deceived", () => {
  const config = { policy: { quota: [{ name: "teams", prefix: "team", bytes: 10_000 }] } };

  it("by an index that lists layers, as BuildKit's cache does", async () => {
    await using registry = await startRegistry({ config });
    const { client } = registry;
    const layer = randomContent(6000);
    await pushBlob(client, "team/cache", layer);
    const index = manifestOf(indexOf([describeContent(layer, LAYER)]));
    expectStatus(await pushManifest(client, "team/cache", index, OCI_INDEX, "1"), 201);
    expect((await usageOf(registry.url, "team")).bytes).toBe(6000 + index.bytes.byteLength);
    const lying = manifestOf(indexOf([{ ...describeContent(layer, LAYER), size: 1 }]));
    expect((await pushManifest(client, "team/cache", lying, OCI_INDEX, "2")).code()).toBe("DENIED");
  });

  it("by a layer that is said to be elsewhere", async () => {
    await using registry = await startRegistry({ config });
    const { client } = registry;
    await pushBlob(client, "team/app", CONFIG);
    const foreign = {
      ...describeContent(randomContent(6000), "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
      size: 0,
      urls: ["https://example.com/layer"],
    };
    const manifest = manifestOf({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describeContent(CONFIG, OCI_CONFIG),
      layers: [foreign],
    });
    const answer = await pushManifest(client, "team/app", manifest, OCI_MANIFEST, "1");
    expect([answer.status, answer.code()]).toEqual([403, "DENIED"]);
  });

  it("by a session that grows piece by piece", async () => {
    await using registry = await startRegistry({ config });
    const { client } = registry;
    let location = await startUpload(client, "team/app");
    const patch = async () =>
      client.ask({
        method: "PATCH",
        path: location,
        headers: { "content-type": "application/octet-stream" },
        body: randomContent(6000).bytes,
      });
    location = locationOf(expectStatus(await patch(), 202));
    expect((await patch()).code()).toBe("DENIED");
    expect((await client.ask({ path: location })).code()).toBe("BLOB_UPLOAD_UNKNOWN");
  });
});

it("a quota of tags refuses one more, and lets an old one move", async () => {
  await using registry = await startRegistry({
    config: { policy: { quota: [{ name: "few", prefix: "*", tags: 2 }] } },
  });
  const { client } = registry;
  for (const tag of ["1", "2", "2"]) expectStatus(await pushArtifact(client, "team/app", tag, 10), 201);
  const refused = await pushArtifact(client, "team/app", "3", 10);
  expect([refused.status, refused.text()]).toEqual([403, expect.stringContaining("allows 2 tags: 2 tags are used")]);
  expectStatus(await pushArtifact(client, "other/app", "1", 10), 201);
});

it("a quota of repositories refuses a new one before its layers are sent, and not once there is a place again", async () => {
  await using registry = await startRegistry({
    config: { policy: { quota: [{ name: "few", prefix: "*", repositories: 1 }] } },
  });
  const { client } = registry;
  expectStatus(await pushArtifact(client, "team/app", "1", 10), 201);
  const begin = (name: string) => client.ask({ method: "POST", path: `/v2/${name}/blobs/uploads/` });
  // What an upload is measured by before it begins may be two seconds old.
  await expect.poll(async () => (await begin("team/other")).status).toBe(403);
  const refused = await begin("team/other");
  expect([refused.status, refused.text()]).toEqual([
    403,
    expect.stringContaining(
      "allows 1 repository, of which 1 repository is used, so that there is no place for team/other",
    ),
  ]);
  expectStatus(await begin("team/app"), 202);
  expectStatus(await client.ask({ method: "DELETE", path: "/v2/team/app/_longshore/repository/contents" }), 200);
  expectStatus(await begin("team/other"), 202);
});

it("a quota that is nearly used up warns the client, once the push adds something", async () => {
  await using registry = await startRegistry({
    config: { policy: { quota: [{ name: 'few "tags"', prefix: "*", tags: 4, warnat: 50 }] } },
  });
  const { client } = registry;
  const warnings: unknown[] = [];
  for (const tag of ["1", "2", "3", "3"]) {
    const pushed = expectStatus(await pushManifest(client, "team/app", EMPTY_INDEX, OCI_INDEX, tag), 201);
    warnings.push(pushed.headers.warning);
  }
  const warning = (used: number) =>
    `299 - "the quota 'few 'tags'' of team allows 4 tags, of which ${used} tags are used"`;
  expect(warnings).toEqual([undefined, warning(2), warning(3), undefined]);
});

const PUSHES = 50;
const SIZE = 1000;

/** Pushes through all registries at once, and never leaves more than the quota allows. */
async function contest(registries: readonly RunningRegistry[], allowed: number): Promise<void> {
  const outcomes = await Promise.all(
    Array.from({ length: PUSHES }, async (_, index) => {
      const client = createHttpClient(registries[index % registries.length]?.url ?? "", { keepAlive: false });
      try {
        return (await pushArtifact(client, `team/app-${index % 5}`, `t${index}`, SIZE)).status;
      } catch (error) {
        // A layer was refused.
        expect(String(error)).toContain("DENIED");
        return 403;
      } finally {
        client.close();
      }
    }),
  );
  expect(new Set(outcomes)).toEqual(new Set([201, 403]));
  for (const { url } of registries) {
    const { bytes, tags } = await usageOf(url, "team");
    expect(tags).toBe(outcomes.filter((status) => status === 201).length);
    expect(bytes).toBeLessThanOrEqual(allowed);
  }
}

describe("50 pushes at once never exceed a quota", () => {
  const allowed = 20_000;
  const policy = { quota: [{ name: "teams", prefix: "team", bytes: allowed }] };

  it("from two registries over one folder", { timeout: SLOW }, async () => {
    const folder = await makeTemporaryFolder("quota");
    const open = () => startRegistry({ root: folder.path, config: { policy } });
    const registries = await Promise.all([open(), open()]);
    try {
      await contest(registries, allowed);
    } finally {
      for (const each of registries) await each[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    }
  });

  it("from three replicas over S3", { timeout: SLOW }, async () => {
    await using storage = await startStandIn();
    const s3 = s3Parameters(storage, await storage.newBucket());
    const open = () => startRegistry({ config: { policy, storage: { filesystem: undefined, s3 } } });
    const registries = await Promise.all([open(), open(), open()]);
    try {
      await contest(registries, allowed);
    } finally {
      for (const each of registries) await each[Symbol.asyncDispose]();
    }
  });
});
