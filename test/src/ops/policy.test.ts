import { clientAt } from "../server/push.js";
import { describe, expect, it } from "vitest";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { type Content, randomContent, pushBlob } from "@longshore/testkit/fixtures";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

interface Pushed {
  readonly status: number;
  /** `CODE: detail` of each error. */
  readonly errors: readonly string[];
}

/** Pushes a manifest under a tag. */
async function push(
  registry: ServedRegistry,
  manifest: Readonly<Record<string, unknown>>,
  tag = "t",
  repository = "a",
): Promise<Pushed> {
  const response = await fetch(`http://127.0.0.1:${registry.port}/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": String(manifest["mediaType"]) },
    body: JSON.stringify(manifest),
  });
  const text = await response.text();
  if (response.ok) return { status: response.status, errors: [] };
  const { errors } = JSON.parse(text) as { errors: { code: string; message: string; detail?: unknown }[] };
  const told = errors.map(({ code, message, detail }) => `${code}: ${typeof detail === "string" ? detail : message}`);
  return { status: response.status, errors: told };
}

const descriptor = (blob: Content, mediaType: string, more: object = {}): object => ({
  mediaType,
  digest: blob.digest,
  size: blob.bytes.length,
  ...more,
});

/** Serves with these sections and has a config that is there and a blob that isn't. */
async function serve(rest: Readonly<Record<string, unknown>>) {
  const registry = await serveRegistry({ rest });
  const config = randomContent(10);
  await pushBlob(clientAt(registry.port), "a", config);
  const missing = randomContent(20);
  const image = (layers: readonly object[], type = CONFIG, mediaType = IMAGE) => ({
    schemaVersion: 2,
    mediaType,
    config: descriptor(config, type),
    layers,
  });
  const withUrls = (mediaType: string, ...urls: string[]) =>
    image([descriptor(missing, mediaType, urls.length === 0 ? {} : { urls })]);
  const index = (...platforms: (object | undefined)[]) => ({
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: platforms.map((platform) =>
      descriptor(randomContent(30), IMAGE, platform === undefined ? {} : { platform }),
    ),
  });
  return { registry, missing, image, withUrls, index, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

const LINUX = { os: "linux", architecture: "amd64" };
const ARM = { os: "linux", architecture: "arm64" };
const COMPLETENESS = "Image index completeness validation has been disabled";
const CREATED = { status: 201, errors: [] };
const REFUSED = { status: 400, errors: ["MANIFEST_INVALID: invalid URL on layer"] };

describe("validation", () => {
  it("accepts layer URLs that are allowed and not denied, and requires blobs depending on their types", async () => {
    const urls = { allow: ["^https://good\\.", "mirror"], deny: ["evil"] };
    await using served = await serve({ validation: { manifests: { urls } } });
    const { registry, withUrls, image, missing } = served;
    const attempts: readonly (readonly [manifest: Record<string, unknown>, expected: Pushed])[] = [
      [withUrls(FOREIGN, "https://good.example/x"), CREATED],
      [withUrls(FOREIGN, "http://a.mirror.example/x", "https://good.example/"), CREATED],
      [withUrls(FOREIGN, "https://good.example/x", "https://other.example/"), REFUSED],
      [withUrls(FOREIGN, "https://good.evil.example/"), REFUSED],
      [withUrls(FOREIGN, "https://good.example/#part"), REFUSED],
      [withUrls(FOREIGN, "ftp://mirror.example/"), REFUSED],
      [withUrls(FOREIGN), { status: 400, errors: ["MANIFEST_INVALID: missing URL on layer"] }],
      [withUrls(NONDISTRIBUTABLE, "https://good.example/x"), CREATED],
      [withUrls(NONDISTRIBUTABLE, "https://other.example/x"), REFUSED],
    ];
    for (const [manifest, expected] of attempts) expect(await push(registry, manifest)).toEqual(expected);
    for (const manifest of [withUrls(NONDISTRIBUTABLE), withUrls(LAYER, "https://good.example/x"), withUrls("x/y")]) {
      expect(await push(registry, manifest)).toMatchObject({ status: 400 });
    }
    await pushBlob(clientAt(registry.port), "a", missing);
    expect(await push(registry, image([descriptor(missing, LAYER, { urls: ["https://good.example/"] })]))).toEqual(
      CREATED,
    );
    expect(await push(registry, image([descriptor(missing, LAYER, { urls: ["https://evil.example/"] })]))).toEqual(
      REFUSED,
    );
    expect(registry.stderr()).not.toContain(COMPLETENESS);
  });

  it("requires only the children of the listed platforms, and warns at the start that this is unusual", async () => {
    await using served = await serve({
      validation: { manifests: { indexes: { platforms: "List", platformlist: [LINUX] } } },
    });
    const { registry, index } = served;
    expect(registry.stderr()).toContain(COMPLETENESS);
    expect(await push(registry, index(ARM, undefined, { ...ARM, os: "windows" }))).toEqual(CREATED);
    const refused = await push(registry, index(ARM, LINUX, { ...LINUX, variant: "v3" }));
    expect(refused.status).toBe(400);
    expect(refused.errors.map((error) => error.split(":")[0])).toEqual([
      "MANIFEST_BLOB_UNKNOWN",
      "MANIFEST_BLOB_UNKNOWN",
    ]);
  });

  it("requires all children, or none", async () => {
    await using strict = await serve({});
    expect((await push(strict.registry, strict.index(ARM, undefined))).errors).toHaveLength(2);
    await using lenient = await serve({ validation: { manifests: { indexes: { platforms: "none" } } } });
    expect(await push(lenient.registry, lenient.index(LINUX, ARM))).toEqual(CREATED);
    expect(lenient.registry.stderr()).toContain(COMPLETENESS);
  });

  it("if disabled, accepts any URL and any child, but still requires the config; the older key enables it", async () => {
    const urls = { deny: [".*"] };
    await using off = await serve({ validation: { disabled: true, manifests: { urls } } });
    expect(await push(off.registry, off.withUrls(FOREIGN, "https://anywhere.example/"))).toEqual(CREATED);
    expect(await push(off.registry, off.withUrls(FOREIGN, "ftp://anywhere.example/"))).toEqual(REFUSED);
    expect(await push(off.registry, off.index(LINUX))).toEqual(CREATED);
    const headless = { ...off.image([]), config: descriptor(off.missing, CONFIG) };
    expect(await push(off.registry, headless)).toMatchObject({ status: 400 });
    await using on = await serve({ validation: { enabled: true, disabled: true, manifests: { urls } } });
    expect(await push(on.registry, on.withUrls(FOREIGN, "https://anywhere.example/"))).toEqual(REFUSED);
  });
});

describe("policy.repository.classes", () => {
  it("refuses images of classes that aren't listed, and artifacts, which have none", async () => {
    await using served = await serve({ policy: { repository: { classes: ["image"] } } });
    const { registry, image, index } = served;
    const docker = "application/vnd.docker.distribution.manifest.v2+json";
    expect(await push(registry, image([]))).toEqual(CREATED);
    expect(await push(registry, image([], "application/vnd.docker.plugin.v1+json", docker))).toEqual({
      status: 403,
      errors: ["DENIED: registry does not allow plugin manifest"],
    });
    expect(await push(registry, image([], "application/vnd.example.config"))).toEqual({
      status: 403,
      errors: ["DENIED: unknown manifest class for application/vnd.example.config"],
    });
    expect(await push(registry, index())).toEqual(CREATED);
  });
});

describe("limits", () => {
  it("of the catalog and tag lists hold, and tags are deleted with their manifest whatever runs concurrently", async () => {
    await using served = await serve({
      catalog: { maxentries: 2 },
      tags: { maxtags: 3 },
      storage: {
        filesystem: { rootdirectory: "FOLDER/data" },
        delete: { enabled: true },
        tag: { concurrencylimit: 1 },
      },
    });
    const { registry, image, index } = served;
    const origin = `http://127.0.0.1:${registry.port}/v2/`;
    for (const tag of ["a", "b", "c", "d", "e"]) expect(await push(registry, image([]), tag)).toEqual(CREATED);
    expect((await fetch(`${origin}_catalog?n=2`)).status).toBe(200);
    // More than the maximum is cut to it.
    for (const name of ["b", "c"]) expect(await push(registry, index(), "a", name)).toEqual(CREATED);
    const cut = await fetch(`${origin}_catalog?n=3`);
    expect([cut.status, await cut.json()]).toEqual([200, { repositories: ["a", "b"] }]);
    expect(cut.headers.get("link")).toContain('rel="next"');
    expect(await (await fetch(`${origin}a/tags/list?n=5`)).json()).toMatchObject({ tags: ["a", "b", "c"] });
    const digest = (await fetch(`${origin}a/manifests/a`, { headers: { accept: IMAGE } })).headers.get(
      "docker-content-digest",
    );
    expect((await fetch(`${origin}a/manifests/${digest ?? ""}`, { method: "DELETE" })).status).toBe(202);
    expect((await fetch(`${origin}a/manifests/e`, { headers: { accept: IMAGE } })).status).toBe(404);
  });
});
