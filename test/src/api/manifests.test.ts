import { describe, expect, it } from "vitest";
import {
  describeContent,
  digestOf,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  expectStatus,
  locationOf,
  makeImage,
  manifestOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  pushManifest,
  randomContent,
  type Content,
  type Image,
} from "@longshore/testkit/fixtures";
import { headerLines } from "@longshore/testkit/http-client";
import { startApi } from "@longshore/testkit/start-registry";
import { describeStorages } from "./storages.js";

const LIMIT = 4 * 1024 * 1024;

function listOf(images: readonly (readonly [Image, string])[], mediaType: string): Content {
  const manifests = images.map(([{ manifest, mediaType: type }, architecture]) => ({
    ...describeContent(manifest, type),
    platform: { architecture, os: "linux" },
  }));
  return manifestOf({ schemaVersion: 2, mediaType, manifests });
}

describeStorages("manifests", ({ client, repository }) => {
  it("are served as they were pushed, by tag and by digest", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name, "latest");
    for (const reference of ["latest", manifest.digest]) {
      const path = `/v2/${name}/manifests/${reference}`;
      const answer = await client().ask({ path });
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        "content-type": OCI_MANIFEST,
        "content-length": String(manifest.bytes.length),
        "docker-content-digest": manifest.digest,
        etag: `"${manifest.digest}"`,
      });
      expect(answer.body.equals(manifest.bytes)).toBe(true);
      const head = await client().ask({ method: "HEAD", path });
      expect([head.status, head.body.length, head.headers["content-length"]]).toEqual([
        200,
        0,
        String(manifest.bytes.length),
      ]);
    }
  });

  it("say where they are when they were pushed", async () => {
    const name = repository();
    const image = await pushImage(client(), name);
    const answer = await pushManifest(client(), name, image.manifest, OCI_MANIFEST, "v1");
    expect([answer.status, answer.headers["docker-content-digest"], answer.headers["content-length"]]).toEqual([
      201,
      image.manifest.digest,
      "0",
    ]);
    expect(locationOf(answer)).toBe(`${client().origin}/v2/${name}/manifests/${image.manifest.digest}`);
    expect(answer.headers["oci-subject"]).toBeUndefined();
  });

  it("may be pushed with parameters on their type", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name);
    const answer = await pushManifest(client(), name, manifest, `${OCI_MANIFEST}; charset=utf-8`, "v1");
    expect(answer.status).toBe(201);
  });

  it.each(["sha384", "sha512"] as const)("have a %s digest if they were pushed with one", async (algorithm) => {
    const name = repository();
    const { manifest } = await pushImage(client(), name, undefined, { algorithm });
    const answer = await client().ask({ path: `/v2/${name}/manifests/${manifest.digest}` });
    expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([200, manifest.digest]);
  });

  it("take several tags with one push", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name);
    const tags = Array.from({ length: 12 }, (_, i) => `t${i}`);
    const query = [...tags, "t0"].map((tag) => `tag=${tag}`).join("&");
    const answer = await pushManifest(client(), name, manifest, OCI_MANIFEST, `${manifest.digest}?${query}`);
    expect([answer.status, headerLines(answer, "oci-tag")]).toEqual([201, tags]);
    for (const tag of tags) {
      const tagged = await client().ask({ method: "HEAD", path: `/v2/${name}/manifests/${tag}` });
      expect(tagged.headers["docker-content-digest"]).toBe(manifest.digest);
    }
  });

  it("warn of tag parameters that don't count", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name);
    const answer = await pushManifest(client(), name, manifest, OCI_MANIFEST, "v1?tag=v2");
    expect([answer.status, headerLines(answer, "oci-tag")]).toEqual([201, []]);
    expect(answer.headers.warning).toMatch(/^299 - "/);
    expect((await client().ask({ path: `/v2/${name}/manifests/v2` })).status).toBe(404);
  });

  it.each([
    ["tag=-bad", 400, "TAG_INVALID"],
    [`tag=${"a".repeat(129)}`, 400, "TAG_INVALID"],
    [Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join("&"), 414, "TAG_INVALID"],
  ])("refuse the tags %s", async (query, status, code) => {
    const name = repository();
    const { manifest } = await pushImage(client(), name);
    const answer = await pushManifest(client(), name, manifest, OCI_MANIFEST, `${manifest.digest}?${query}`);
    expect([answer.status, answer.code()]).toEqual([status, code]);
  });

  it.each([
    [undefined, 200],
    ["", 200],
    ["*/*", 200],
    ["application/*", 200],
    [OCI_MANIFEST, 200],
    [`text/html, ${OCI_MANIFEST.toUpperCase()};q=0.5`, 200],
    [`${OCI_INDEX}, ${OCI_MANIFEST}x`, 404],
    [DOCKER_MANIFEST, 404],
  ])("of OCI images are for clients that accept %s: %i", async (accept, status) => {
    const name = repository();
    const { manifest } = await pushImage(client(), name, "latest");
    for (const reference of ["latest", manifest.digest]) {
      const headers = accept === undefined ? {} : { accept };
      const answer = await client().ask({ path: `/v2/${name}/manifests/${reference}`, headers });
      expect([answer.status, answer.code()]).toEqual([status, status === 200 ? undefined : "MANIFEST_UNKNOWN"]);
    }
  });

  it("of Docker and of indexes are served to every client", async () => {
    const name = repository();
    const docker = await pushImage(client(), name, "docker", { mediaType: DOCKER_MANIFEST });
    const index = listOf([[docker, "amd64"]], OCI_INDEX);
    expectStatus(await pushManifest(client(), name, index, OCI_INDEX, "index"), 201);
    for (const reference of ["docker", "index"]) {
      const answer = await client().ask({
        path: `/v2/${name}/manifests/${reference}`,
        headers: { accept: "text/plain" },
      });
      expect([reference, answer.status]).toEqual([reference, 200]);
    }
  });

  it("of lists are for clients that know lists; others get the image for linux on amd64", async () => {
    const name = repository();
    const arm = await pushImage(client(), name, undefined, { mediaType: DOCKER_MANIFEST });
    const amd = await pushImage(client(), name, undefined, { mediaType: DOCKER_MANIFEST });
    const list = listOf(
      [
        [arm, "arm64"],
        [amd, "amd64"],
      ],
      DOCKER_LIST,
    );
    expectStatus(await pushManifest(client(), name, list, DOCKER_LIST, "list"), 201);
    for (const [reference, accept, digest] of [
      ["list", DOCKER_LIST, list.digest],
      ["list", OCI_INDEX, list.digest],
      ["list", "*/*", list.digest],
      ["list", DOCKER_MANIFEST, amd.manifest.digest],
      [list.digest, DOCKER_MANIFEST, list.digest],
    ] as const) {
      const answer = await client().ask({ path: `/v2/${name}/manifests/${reference}`, headers: { accept } });
      expect([accept, answer.status, answer.headers["docker-content-digest"]]).toEqual([accept, 200, digest]);
    }
    const neither = await client().ask({ path: `/v2/${name}/manifests/list`, headers: { accept: OCI_MANIFEST } });
    expect([neither.status, neither.code()]).toEqual([400, "MANIFEST_INVALID"]);
  });

  it("of lists without linux on amd64 are unknown to clients that know no lists", async () => {
    const name = repository();
    const arm = await pushImage(client(), name, undefined, { mediaType: DOCKER_MANIFEST });
    const list = listOf([[arm, "arm64"]], DOCKER_LIST);
    expectStatus(await pushManifest(client(), name, list, DOCKER_LIST, "list"), 201);
    const answer = await client().ask({ path: `/v2/${name}/manifests/list`, headers: { accept: DOCKER_MANIFEST } });
    expect([answer.status, answer.code()]).toEqual([404, "MANIFEST_UNKNOWN"]);
  });

  it("aren't sent to clients that have them", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name, "latest");
    for (const noneMatch of [manifest.digest, `"${manifest.digest}"`, `"x", "${manifest.digest}"`, "*"]) {
      const headers = { "if-none-match": noneMatch, accept: "text/plain" };
      const answer = await client().ask({ path: `/v2/${name}/manifests/latest`, headers });
      expect([noneMatch, answer.status, answer.body.length]).toEqual([noneMatch, 304, 0]);
    }
    const other = await client().ask({
      path: `/v2/${name}/manifests/latest`,
      headers: { "if-none-match": digestOf("x") },
    });
    expect(other.status).toBe(200);
  });

  it("come in parts for clients that ask for a range", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name, "latest");
    const size = manifest.bytes.length;
    for (const [range, status, body, contentRange] of [
      ["bytes=1-4", 206, manifest.bytes.subarray(1, 5).toString(), `bytes 1-4/${size}`],
      [`bytes=${size}-`, 416, "invalid range: failed to overlap\n", `bytes */${size}`],
      ["bytes=x", 416, "invalid range\n", undefined],
      [`bytes=0-1,0-${size - 1}`, 200, manifest.bytes.toString(), undefined],
    ] as const) {
      const answer = await client().ask({ path: `/v2/${name}/manifests/latest`, headers: { range } });
      expect([answer.status, answer.text(), answer.headers["content-range"]]).toEqual([status, body, contentRange]);
    }
    const several = await client().ask({ path: `/v2/${name}/manifests/latest`, headers: { range: "bytes=0-1,-2" } });
    const [, boundary = ""] = /boundary=(\w+)$/.exec(several.headers["content-type"] ?? "") ?? [];
    const part = (range: string, bytes: Buffer): string =>
      `--${boundary}\r\nContent-Range: bytes ${range}/${size}\r\nContent-Type: ${OCI_MANIFEST}\r\n\r\n${bytes.toString()}\r\n`;
    const parts = [
      part("0-1", manifest.bytes.subarray(0, 2)),
      part(`${size - 2}-${size - 1}`, manifest.bytes.subarray(-2)),
    ];
    expect([several.status, several.text()]).toEqual([206, `${parts.join("")}--${boundary}--\r\n`]);
    expect(several.headers["content-length"]).toBe(String(several.body.length));
  });

  it.each([
    ["missing", 404, "MANIFEST_UNKNOWN", "unknown tag=missing"],
    ["sha256:baddigeststring", 400, "DIGEST_INVALID", "invalid checksum digest length"],
    [`md5:${"a".repeat(32)}`, 400, "DIGEST_INVALID", "unsupported digest algorithm"],
  ])("named %s are refused with %i %s", async (reference, status, code, detail) => {
    const name = repository();
    await pushImage(client(), name, "latest");
    for (const method of ["GET", "DELETE"]) {
      const answer = await client().ask({ method, path: `/v2/${name}/manifests/${reference}` });
      expect([answer.status, answer.code(), answer.detail()]).toEqual([status, code, detail]);
    }
  });

  it("that were never pushed are unknown, also in an unknown repository", async () => {
    const name = repository();
    const digest = digestOf("nothing");
    const answer = await client().ask({ path: `/v2/${name}/manifests/${digest}` });
    expect([answer.status, answer.code()]).toEqual([404, "MANIFEST_UNKNOWN"]);
    expect(answer.detail()).toBe(`unknown manifest name=${name} revision=${digest}`);
  });

  it.each([
    ["no type", "", "{}", "unsupported manifest media type and no default available: "],
    ["JSON", "application/json", "{}", "unsupported manifest media type and no default available: application/json"],
    ["no JSON", OCI_MANIFEST, "not JSON", undefined],
    ["nothing", OCI_MANIFEST, "", "unexpected end of JSON input"],
    ["half of it", OCI_MANIFEST, '{"schemaVersion":2,', undefined],
    ["a list", OCI_MANIFEST, "[]", undefined],
    ["null", OCI_MANIFEST, "null", undefined],
    ["another version", OCI_MANIFEST, '{"schemaVersion":1}', "unrecognized manifest schema version 1"],
    [
      "another type within",
      OCI_MANIFEST,
      `{"schemaVersion":2,"mediaType":"${OCI_INDEX}"}`,
      `if present, mediaType in manifest should be '${OCI_MANIFEST}' not '${OCI_INDEX}'`,
    ],
    [
      "an index as an image",
      OCI_MANIFEST,
      '{"schemaVersion":2,"manifests":[]}',
      "ocimanifest: expected manifest but found index",
    ],
    ["an image as an index", OCI_INDEX, '{"schemaVersion":2,"layers":[]}', "index: expected index but found manifest"],
    ["a nest", OCI_MANIFEST, "[".repeat(200_000), undefined],
    ["a nest of objects", OCI_INDEX, '{"a":'.repeat(100_000), undefined],
  ])("that are %s are refused", async (_, mediaType, body, detail) => {
    const name = repository();
    const path = `/v2/${name}/manifests/latest`;
    const answer = await client().ask({ method: "PUT", path, body, headers: { "content-type": mediaType } });
    expect([answer.status, answer.code()]).toEqual([400, "MANIFEST_INVALID"]);
    if (detail !== undefined) expect(answer.detail()).toBe(detail);
    expect((await client().ask({ path })).status).toBe(404);
  });

  it("with missing references are refused, and all of them are named", async () => {
    const name = repository();
    const image = makeImage({ layers: 2 });
    const answer = await pushManifest(client(), name, image.manifest, OCI_MANIFEST, "latest");
    expect(answer.status).toBe(400);
    expect(answer.json()).toEqual({
      errors: [image.config, ...image.layers].map(({ digest }) => ({
        code: "MANIFEST_BLOB_UNKNOWN",
        message: "blob unknown to registry",
        detail: digest,
      })),
    });
    const index = listOf([[image, "amd64"]], OCI_INDEX);
    const second = await pushManifest(client(), name, index, OCI_INDEX, "latest");
    expect([second.status, second.code(), second.detail()]).toEqual([
      400,
      "MANIFEST_BLOB_UNKNOWN",
      image.manifest.digest,
    ]);
  });

  it.each([
    [OCI_INDEX, "application/vnd.oci.image.layer.v1.tar+gzip"],
    [DOCKER_LIST, "application/vnd.docker.image.rootfs.diff.tar.gzip"],
  ])("of type %s may name blobs of their repository, as BuildKit's cache does", async (mediaType, layerType) => {
    const name = repository();
    const [layer, description, absent] = [randomContent(), randomContent(), randomContent()];
    const cache = (...blobs: readonly Content[]): Content =>
      manifestOf({ schemaVersion: 2, mediaType, manifests: blobs.map((blob) => describeContent(blob, layerType)) });
    await pushBlob(client(), name, layer);
    const early = await pushManifest(client(), name, cache(layer, description), mediaType, "cache");
    expect([early.status, early.code(), early.detail()]).toEqual([400, "MANIFEST_BLOB_UNKNOWN", description.digest]);
    await pushBlob(client(), name, description);
    const index = cache(layer, description);
    expectStatus(await pushManifest(client(), name, index, mediaType, "cache"), 201);
    const answer = await client().ask({ path: `/v2/${name}/manifests/cache`, headers: { accept: mediaType } });
    expect([answer.status, answer.headers["content-type"], answer.body.equals(index.bytes)]).toEqual([
      200,
      mediaType,
      true,
    ]);
    const elsewhere = repository();
    expect((await pushManifest(client(), elsewhere, index, mediaType, "cache")).code()).toBe("MANIFEST_BLOB_UNKNOWN");
    expect((await pushManifest(client(), name, cache(layer, absent), mediaType)).code()).toBe("MANIFEST_BLOB_UNKNOWN");
    // What calls itself a manifest is asked for as one.
    const misnamed = manifestOf({ schemaVersion: 2, mediaType, manifests: [describeContent(layer, OCI_MANIFEST)] });
    expect((await pushManifest(client(), name, misnamed, mediaType)).code()).toBe("MANIFEST_BLOB_UNKNOWN");
  });

  it("that don't match their digest are refused", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name, "latest");
    for (const digest of [digestOf("other"), digestOf("other", "sha512")]) {
      const answer = await pushManifest(client(), name, manifest, OCI_MANIFEST, digest);
      expect([answer.status, answer.code()]).toEqual([400, "DIGEST_INVALID"]);
    }
    const bad = await pushManifest(client(), name, manifest, OCI_MANIFEST, "sha256:baddigeststring");
    expect([bad.status, bad.code()]).toEqual([400, "DIGEST_INVALID"]);
  });

  it("of 4 MiB are accepted, and not a byte more", async () => {
    const name = repository();
    const { config } = await pushImage(client(), name);
    const make = (length: number): Content => {
      const value = (note: string): Content =>
        manifestOf({
          schemaVersion: 2,
          config: describeContent(config, OCI_CONFIG),
          layers: [],
          annotations: { note },
        });
      return value("x".repeat(length - value("").bytes.length));
    };
    const largest = make(LIMIT);
    expect(largest.bytes.length).toBe(LIMIT);
    expect((await pushManifest(client(), name, largest, OCI_MANIFEST)).status).toBe(201);
    expect((await client().ask({ path: `/v2/${name}/manifests/${largest.digest}` })).body.equals(largest.bytes)).toBe(
      true,
    );
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const path = `/v2/${name}/manifests/latest`;
      const body = make(LIMIT + 1).bytes;
      const answer = await client().ask({
        method: "PUT",
        path,
        body,
        headers: { ...headers, "content-type": OCI_MANIFEST },
      });
      expect([answer.status, answer.code()]).toEqual([413, "MANIFEST_INVALID"]);
    }
  });

  it("name their subject, whether it is there or not", async () => {
    const name = repository();
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf("not there"), size: 9 };
    const pushed = await pushImage(client(), name, "latest", { layers: 0, extra: { subject } });
    const answer = await pushManifest(client(), name, pushed.manifest, OCI_MANIFEST);
    expect([answer.status, answer.headers["oci-subject"]]).toEqual([201, subject.digest]);
  });

  it("are gone once deleted, with their tags", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name, "one");
    expectStatus(await pushManifest(client(), name, manifest, OCI_MANIFEST, "two"), 201);
    const untagged = await client().ask({ method: "DELETE", path: `/v2/${name}/manifests/one` });
    expect([untagged.status, untagged.headers["content-length"]]).toEqual([202, "0"]);
    expect((await client().ask({ path: `/v2/${name}/manifests/one` })).code()).toBe("MANIFEST_UNKNOWN");
    expect((await client().ask({ path: `/v2/${name}/manifests/two` })).status).toBe(200);
    expect((await client().ask({ method: "DELETE", path: `/v2/${name}/manifests/${manifest.digest}` })).status).toBe(
      202,
    );
    for (const reference of ["two", manifest.digest]) {
      expect((await client().ask({ path: `/v2/${name}/manifests/${reference}` })).status).toBe(404);
    }
    const again = await client().ask({ method: "DELETE", path: `/v2/${name}/manifests/${manifest.digest}` });
    expect([again.status, again.code()]).toEqual([404, "MANIFEST_UNKNOWN"]);
  });
});

describe("manifest deletion that is switched off", () => {
  it.each(["latest", digestOf("x")])("is refused for %s", async (reference) => {
    await using api = await startApi({ config: { storage: { delete: { enabled: false } } } });
    const answer = await api.client.ask({ method: "DELETE", path: `/v2/a/manifests/${reference}` });
    expect([answer.status, answer.code()]).toEqual([405, "UNSUPPORTED"]);
  });
});
