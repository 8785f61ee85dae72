import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StorageError } from "../../src/errors.js";
import { digestOf } from "../../src/model/digest.js";
import { describeManifest } from "../../src/model/manifest/manifest.js";
import { parseManifest } from "../../src/model/manifest/parse.js";
import { referencesOf } from "../../src/model/manifest/references.js";
import { sniffMediaType } from "../../src/model/manifest/sniff.js";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../src/model/media-types.js";

const encode = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const digest = digestOf(encode("x"));
const descriptor = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: 1 };
const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: 1 };
const image = { schemaVersion: 2, config, layers: [descriptor] };
const index = { schemaVersion: 2, manifests: [{ ...descriptor, mediaType: OCI_MANIFEST }] };

function reasonOf(body: unknown, mediaType: string): string {
  try {
    parseManifest(encode(body), mediaType);
    return "accepted";
  } catch (error) {
    if (error instanceof StorageError && error.code === "MANIFEST_INVALID") return error.message;
    throw error;
  }
}

describe("parseManifest", () => {
  it("reads all four types", () => {
    const cases: [object, string, string][] = [
      [{ ...image, mediaType: DOCKER_MANIFEST }, DOCKER_MANIFEST, "image"],
      [{ ...index, mediaType: DOCKER_MANIFEST_LIST }, DOCKER_MANIFEST_LIST, "index"],
      [{ ...image, mediaType: OCI_MANIFEST }, OCI_MANIFEST, "image"],
      [image, OCI_MANIFEST, "image"],
      [{ ...index, mediaType: OCI_INDEX }, OCI_INDEX, "index"],
      [index, OCI_INDEX.toUpperCase(), "index"],
    ];
    for (const [body, mediaType, kind] of cases) {
      expect(parseManifest(encode(body), mediaType)).toMatchObject({ kind, mediaType: mediaType.toLowerCase() });
    }
  });

  it("takes the artifact type from the manifest, or else from an image's config", () => {
    const artifactType = "application/vnd.example+type";
    expect(parseManifest(encode({ ...image, artifactType }), OCI_MANIFEST).artifactType).toBe(artifactType);
    expect(parseManifest(encode({ ...image, artifactType: "" }), OCI_MANIFEST).artifactType).toBe(config.mediaType);
    expect(parseManifest(encode(index), OCI_INDEX)).not.toHaveProperty("artifactType");
    expect(parseManifest(encode({ ...index, artifactType }), OCI_INDEX).artifactType).toBe(artifactType);
  });

  it("reads subject and annotations only from OCI types", () => {
    const body = { ...image, subject: descriptor, annotations: { a: "b" } };
    expect(parseManifest(encode(body), OCI_MANIFEST)).toMatchObject({ subject: { digest }, annotations: { a: "b" } });
    expect(parseManifest(encode({ ...body, mediaType: DOCKER_MANIFEST }), DOCKER_MANIFEST)).not.toHaveProperty(
      "subject",
    );
  });

  it("reads null in annotations as the empty string, wherever they are", () => {
    const annotations = { a: null, b: "c" };
    const body = { ...image, layers: [{ ...descriptor, annotations }], annotations };
    const manifest = parseManifest(encode(body), OCI_MANIFEST);
    expect(manifest).toMatchObject({ annotations: { a: "", b: "c" }, layers: [{ annotations: { a: "", b: "c" } }] });
    expect(describeManifest(manifest, digest, 3).annotations).toEqual({ a: "", b: "c" });
  });

  it("keeps annotations that are named like built-in object properties", () => {
    const body = `{"schemaVersion":2,"manifests":[],"annotations":{"__proto__":"x","constructor":"y"}}`;
    const manifest = parseManifest(encode(body), OCI_INDEX);
    expect(JSON.stringify(describeManifest(manifest, digest, 3).annotations)).toBe(
      `{"__proto__":"x","constructor":"y"}`,
    );
    expect(Object.getPrototypeOf(manifest.annotations)).toBe(Object.prototype);
  });

  it("isn't misled by __proto__ as a member", () => {
    expect(reasonOf(`{"__proto__":{"schemaVersion":2,"manifests":[]}}`, OCI_INDEX)).toContain("schema version 0");
  });

  const one = JSON.stringify(descriptor);
  const other = one.replace(`"digest"`, `"Digest"`);
  it.each([
    [`"mediaType":"${OCI_INDEX}","mediaType":"${OCI_MANIFEST}","config":${one}`, `"mediaType" is repeated`],
    [`"config":${one},"layers":[${one}],"layers":[]`, `"layers" is repeated`],
    [String.raw`"config":${one},"layers":[],"l\u0061yers":[]`, `"layers" is repeated`],
    [`"config":${one},"layers":[],"Layers":[${one}]`, `"Layers" must be spelled "layers"`],
    [`"config":${one},"LAYERS":[${one}]`, `"LAYERS" must be spelled "layers"`],
    [`"config":${one},"layerſ":[${one}]`, `"layerſ" must be spelled "layers"`],
    [`"config":${one},"Manifests":[${one}]`, `"Manifests" must be spelled "manifests"`],
    [`"config":${one},"x":[[{}]],"Subject":${one}`, `"Subject" must be spelled "subject"`],
    [`"config":${other}`, `"Digest" must be spelled "digest"`],
    [`"config":${one},"layers":[${one},${other}]`, `"Digest" must be spelled "digest"`],
    [`"config":${one},"layers":[${one.replace("{", `{"size":9,`)}]`, `"size" is repeated`],
    [`"config":${one.replace("{", `{"platform":{"OS":"linux"},`)}`, `"OS" must be spelled "os"`],
  ])("refuses ambiguous documents (%#)", (rest, reason) => {
    expect(reasonOf(`{"schemaVersion":2,${rest}}`, OCI_MANIFEST)).toContain(reason);
  });

  it.each([
    [DOCKER_MANIFEST, { ...image, mediaType: DOCKER_MANIFEST, manifests: [] }],
    [DOCKER_MANIFEST_LIST, { ...index, mediaType: DOCKER_MANIFEST_LIST, layers: [] }],
  ])("refuses a document that is both an image and an index: %s", (mediaType, body) => {
    expect(reasonOf(body, mediaType)).toContain("expected");
  });

  it("accepts any name that means nothing to a registry", () => {
    const annotations = `{"Size":"1","size":"2","Layers":"x"}`;
    const body = `{"schemaVersion":2,"x":{"Layers":1,"layers":2,"layers":3},"y":[{"Size":1}],"annotations":${annotations},
      "config":${one.replace("{", `{"annotations":${annotations},`)},"layers":[[]]}`;
    expect(reasonOf(body, OCI_MANIFEST)).toContain("layers[0]: ");
    expect(reasonOf(body.replace("[[]]", "[]"), OCI_MANIFEST)).toBe("accepted");
  });

  it.each([
    ["application/json", image, "unsupported manifest media type and no default available: application/json"],
    [
      DOCKER_SCHEMA1_SIGNED,
      image,
      `unsupported manifest media type and no default available: ${DOCKER_SCHEMA1_SIGNED}`,
    ],
    ["", image, "unsupported manifest media type and no default available: "],
    [OCI_MANIFEST, "", "unexpected end of JSON input"],
    [OCI_MANIFEST, `{"schemaVersion":`, "unexpected end of JSON input"],
    [OCI_MANIFEST, `{"schemaVersion`, "unexpected end of JSON input"],
    [OCI_MANIFEST, "hello", "invalid character 'h' looking for beginning of value"],
    [OCI_MANIFEST, "{}}", "invalid character '}' after top-level value"],
    [OCI_MANIFEST, "[]", "a manifest is a JSON object, not an array"],
    [OCI_MANIFEST, "null", "a manifest is a JSON object, not null"],
    [DOCKER_MANIFEST, image, `mediaType in manifest should be '${DOCKER_MANIFEST}' not ''`],
    [
      OCI_MANIFEST,
      { ...image, mediaType: DOCKER_MANIFEST },
      `if present, mediaType in manifest should be '${OCI_MANIFEST}' not '${DOCKER_MANIFEST}'`,
    ],
    [OCI_MANIFEST, { ...image, manifests: [] }, "ocimanifest: expected manifest but found index"],
    [OCI_INDEX, { ...index, config }, "index: expected index but found manifest"],
    [OCI_INDEX, { ...index, layers: [] }, "index: expected index but found manifest"],
    [OCI_INDEX, { ...index, mediaType: "x" }, `if present, mediaType in image index should be '${OCI_INDEX}' not 'x'`],
    [DOCKER_MANIFEST_LIST, index, `mediaType in manifest list should be '${DOCKER_MANIFEST_LIST}' not ''`],
    [OCI_MANIFEST, { ...image, schemaVersion: 3 }, "unrecognized manifest schema version 3"],
    [OCI_INDEX, { manifests: [] }, "unrecognized manifest list schema version 0, expected 2"],
  ])("refuses %s with Distribution's message (%#)", (mediaType, body, reason) => {
    expect(reasonOf(body, mediaType)).toBe(reason);
  });

  it.each([
    [{ ...image, config: undefined }, "config: "],
    [{ ...image, config: { ...config, digest: "sha256:zz" } }, "config.digest: invalid checksum digest length"],
    [{ ...image, config: { ...config, digest: "md5:00" } }, "config.digest: unsupported digest algorithm"],
    [{ ...image, layers: [descriptor, { size: 1 }] }, "layers[1].digest: "],
    [{ ...image, layers: {} }, "layers: "],
    [{ ...image, layers: [null] }, "layers[0]: "],
    [{ ...image, layers: [{ ...descriptor, size: -1 }] }, "layers[0].size: "],
    [{ ...image, layers: [{ ...descriptor, size: 0.5 }] }, "layers[0].size: "],
    [{ ...image, layers: [{ ...descriptor, size: "1" }] }, "layers[0].size: "],
    [{ ...image, layers: [{ ...descriptor, size: 2 ** 53 }] }, "layers[0].size: "],
    [{ ...image, layers: [{ ...descriptor, urls: [1] }] }, "layers[0].urls: "],
    [{ ...image, layers: [{ ...descriptor, platform: "x" }] }, "layers[0].platform: "],
    [{ ...image, subject: [] }, "subject: "],
    [{ ...image, annotations: { a: 1 } }, 'annotations: the value of "a"'],
    [{ ...image, artifactType: 1 }, "artifactType: "],
    [{ ...image, mediaType: 1 }, "mediaType: "],
  ])("names the wrong member (%#)", (body, start) => {
    const reason = reasonOf(body, OCI_MANIFEST);
    expect(reason.startsWith(start), reason).toBe(true);
  });

  it("survives the deepest nesting that fits into four mebibytes", () => {
    const depth = 2 * 1024 * 1024 - 20;
    expect(reasonOf(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`, OCI_MANIFEST)).toBe("exceeded max depth");
    expect(reasonOf("[".repeat(4 * 1024 * 1024), OCI_MANIFEST)).toBe("exceeded max depth");
    expect(reasonOf({ ...image, x: `"${"[".repeat(20_000)}` }, OCI_MANIFEST)).toBe("accepted");
  });

  it("throws nothing but MANIFEST_INVALID, whatever the input", () => {
    const types = fc.constantFrom(DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_MANIFEST, OCI_INDEX);
    const keys = fc.constantFrom(
      "schemaVersion",
      "mediaType",
      "config",
      "layers",
      "manifests",
      "subject",
      "digest",
      "size",
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(2, digest, OCI_MANIFEST),
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(keys, tie("value"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(value, types, (body, mediaType) => void reasonOf({ schemaVersion: 2, ...Object(body) }, mediaType)),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), types, (bytes, mediaType) => {
        expect(() => parseManifest(bytes, mediaType)).toThrow(expect.objectContaining({ code: "MANIFEST_INVALID" }));
      }),
    );
  });
});

describe("sniffMediaType", () => {
  it.each([
    [{ ...image, mediaType: DOCKER_MANIFEST }, DOCKER_MANIFEST],
    [{ ...index, mediaType: DOCKER_MANIFEST_LIST }, DOCKER_MANIFEST_LIST],
    [image, OCI_MANIFEST],
    [index, OCI_INDEX],
    [{ ...image, manifests: null }, OCI_MANIFEST],
    [{ schemaVersion: 2, manifests: [] }, OCI_INDEX],
    [{ schemaVersion: 1, name: "a", fsLayers: [], mediaType: OCI_MANIFEST }, DOCKER_SCHEMA1],
    [{ schemaVersion: 1, name: "a", signatures: [{}] }, DOCKER_SCHEMA1_SIGNED],
    [{ ...image, mediaType: "text/html" }, OCI_MANIFEST],
  ])("returns the media type with which stored bytes are served (%#)", (body, mediaType) => {
    expect(sniffMediaType(encode(body))).toBe(mediaType);
  });
});

describe("referencesOf", () => {
  const layerTypes: [string, readonly string[] | undefined, boolean][] = [
    ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", undefined, false],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar", ["https://x/y"], false],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", [], true],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", undefined, true],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", ["https://x/y"], false],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", undefined, true],
    ["application/vnd.oci.image.layer.v1.tar", ["https://x/y"], true],
    ["application/vnd.docker.image.rootfs.diff.tar.gzip", undefined, true],
    [OCI_MANIFEST, undefined, true],
  ];
  it.each(layerTypes)("requires a layer of type %s with urls %j: %s", (mediaType, urls, required) => {
    const body = { ...image, layers: [{ ...descriptor, mediaType, urls }] };
    const references = referencesOf(parseManifest(encode(body), OCI_MANIFEST));
    expect(references.map(({ role, kind, required: is }) => [role, kind, is])).toEqual([
      ["config", "blob", true],
      ["layer", "blob", required],
    ]);
  });

  it("requires children among the manifests, and never the subject", () => {
    const references = referencesOf(parseManifest(encode({ ...index, subject: descriptor }), OCI_INDEX));
    expect(references).toMatchObject([{ role: "child", kind: "manifest", required: true }]);
  });

  it("also looks for children without a manifest media type among the blobs", () => {
    const types = [OCI_INDEX, DOCKER_SCHEMA1, "application/vnd.oci.image.layer.v1.tar+gzip", "text/x", undefined];
    const manifests = types.map((mediaType) => ({ ...descriptor, mediaType }));
    const references = referencesOf(parseManifest(encode({ ...index, manifests }), OCI_INDEX));
    expect(references.map(({ kind }) => kind)).toEqual(["manifest", "manifest", "either", "either", "either"]);
  });
});
