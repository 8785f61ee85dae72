import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  contentOf,
  describeContent,
  expectStatus,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushManifest,
  randomContent,
  type Content,
} from "@longshore/testkit/fixtures";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import { documentOf } from "./support.js";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

const CONFIG = {
  created: "2026-01-02T03:04:05.678901234+01:00",
  architecture: "arm64",
  os: "linux",
  variant: "v8",
  config: {
    User: "app",
    Env: ["PATH=/bin"],
    Entrypoint: ["/app"],
    Cmd: null,
    Labels: { team: "<b>blue</b>" },
    ExposedPorts: { "80/tcp": {} },
  },
  history: [
    { created_by: "ADD rootfs", created: "2026-01-01T00:00:00Z" },
    { created_by: "ENV PATH=/bin", empty_layer: true },
    { created_by: "COPY app /app" },
  ],
};

describe("an image in detail", () => {
  let api: RunningApi;
  beforeAll(async () => void (api = await startApi()));
  afterAll(() => api.stop());

  const show = (reference: string) =>
    api.client.ask({ path: `/v2/team/app/_longshore/repository/images/${reference}` });

  async function push(config: Content, mediaType: string, reference?: string): Promise<Content> {
    const layers = [randomContent(100), randomContent(200)];
    for (const blob of [config, ...layers]) await pushBlob(api.client, "team/app", blob);
    const manifest = manifestOf({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describeContent(config, mediaType),
      // The same layer twice is stored once.
      layers: [...layers, ...layers].map((layer) => describeContent(layer, LAYER)),
      annotations: { title: "an app" },
    });
    expectStatus(await pushManifest(api.client, "team/app", manifest, OCI_MANIFEST, reference), 201);
    return manifest;
  }

  it("has what its config says, and its layers", async () => {
    const config = contentOf(JSON.stringify(CONFIG));
    const manifest = await push(config, OCI_CONFIG, "1.0");
    const image = documentOf(await show("1.0"), "Image");
    expect(image).toMatchObject({
      name: "team/app",
      digest: manifest.digest,
      mediaType: OCI_MANIFEST,
      annotations: { title: "an app" },
      totalSize: manifest.bytes.byteLength + config.bytes.byteLength + 300,
      image: {
        created: "2026-01-02T02:04:05.678Z",
        platform: { os: "linux", architecture: "arm64", variant: "v8" },
        user: "app",
        env: ["PATH=/bin"],
        entrypoint: ["/app"],
        labels: { team: "<b>blue</b>" },
        exposedPorts: ["80/tcp"],
        history: [
          { createdBy: "ADD rootfs", created: "2026-01-01T00:00:00.000Z", layer: 0 },
          { createdBy: "ENV PATH=/bin" },
          { createdBy: "COPY app /app", layer: 1 },
        ],
      },
    });
    expect(image.image).not.toHaveProperty("cmd");
    expect(image.layers).toHaveLength(4);
    expect(documentOf(await show(manifest.digest), "Image")).toEqual(image);
  });

  it("lists the platforms of an index", async () => {
    const child = await push(contentOf(JSON.stringify(CONFIG)), OCI_CONFIG);
    const platform = { os: "linux", architecture: "arm64" };
    const index = manifestOf(indexOf([{ ...describeContent(child, OCI_MANIFEST), platform }]));
    expectStatus(await pushManifest(api.client, "team/app", index, OCI_INDEX, "multi"), 201);
    const image = documentOf(await show("multi"), "Image");
    expect(image.manifests).toEqual([{ ...describeContent(child, OCI_MANIFEST), platform }]);
    expect(image).not.toHaveProperty("image");
  });

  it.each([
    ["isn't JSON", "no json", OCI_CONFIG, undefined],
    ["is a list", "[]", OCI_CONFIG, undefined],
    ["has fields of other types", `{"created":7,"config":[],"history":{},"os":{}}`, OCI_CONFIG, {}],
    ["is of another kind", JSON.stringify(CONFIG), "application/vnd.example.config+json", undefined],
  ])("shows an artifact whose config %s", async (_, text, mediaType, expected) => {
    await push(contentOf(text), mediaType, "odd");
    expect(documentOf(await show("odd"), "Image").image).toEqual(expected);
  });

  it("refuses what isn't there, and parameters that it doesn't know", async () => {
    expect((await show("missing")).code()).toBe("MANIFEST_UNKNOWN");
    const odd = await show("1.0?page=2");
    expect([odd.status, odd.code(), odd.detail()]).toEqual([
      400,
      "PARAMETER_INVALID",
      'there is no parameter "page": it has none',
    ]);
  });
});
