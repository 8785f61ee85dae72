import { describe, expect, it } from "vitest";
import { indexOf } from "@longshore/testkit/fixtures";
import { isStorageError } from "../../../src/errors.js";
import type { Manifest } from "../../../src/model/manifest/manifest.js";
import { parseManifest } from "../../../src/model/manifest/parse.js";
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../../../src/model/media-types.js";
import {
  checkClass,
  checkUrls,
  DEFAULT_VALIDATION,
  requiredReferences,
  type ManifestValidation,
} from "../../../src/store/validation.js";
import { CONFIG, descriptorOf, encode, imageOf, LAYER } from "../support.js";

const FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

const image = (body: Record<string, unknown> = {}) => parseManifest(encode(imageOf(body)), OCI_MANIFEST);
const withLayer = (mediaType: string, ...urls: string[]) =>
  image({ layers: [{ ...descriptorOf("layer", mediaType), ...(urls.length > 0 ? { urls } : {}) }] });

const rules = (
  urls: { allow?: readonly RegExp[]; deny?: readonly RegExp[] },
  disabled = false,
): ManifestValidation => ({
  disabled,
  manifests: { ...DEFAULT_VALIDATION.manifests, urls: { allow: [], deny: [], ...urls } },
});

function reasonOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!isStorageError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const urlProblem = (manifest: Manifest, validation = DEFAULT_VALIDATION) =>
  reasonOf(() => checkUrls(manifest, validation));

const MISSING = "MANIFEST_INVALID: missing URL on layer";
const INVALID = "MANIFEST_INVALID: invalid URL on layer";

describe("a layer's URLs", () => {
  it("are required only for foreign layers", () => {
    expect(urlProblem(withLayer(FOREIGN))).toBe(MISSING);
    expect(urlProblem(withLayer(NONDISTRIBUTABLE))).toBeUndefined();
    expect(urlProblem(withLayer(LAYER))).toBeUndefined();
  });

  it("may be any http or https URL if nothing is configured", () => {
    for (const type of [FOREIGN, NONDISTRIBUTABLE, LAYER]) {
      expect(urlProblem(withLayer(type, "https://store.example.com/x", "http://b/y"))).toBeUndefined();
    }
  });

  it.each([
    "file:///etc/passwd",
    "https://a/b#c",
    "",
    "x",
    " https://a/b",
    "https://",
    "javascript:1",
    `https://a/${"b".repeat(9000)}`,
  ])("can't be %j", (url) => {
    expect(urlProblem(withLayer(FOREIGN, "https://a/fine", url))).toBe(INVALID);
    expect(urlProblem(withLayer(FOREIGN, url), rules({}, true))).toBe(INVALID);
  });

  it("obey the lists: allowed ones only, if there are any, and never denied ones", () => {
    const allow = [/^https:\/\/good\//, /fine/];
    const deny = [/evil/];
    const at = (url: string, urls: Parameters<typeof rules>[0], disabled = false) =>
      urlProblem(withLayer(LAYER, url), rules(urls, disabled));
    expect(at("https://good/x", { allow })).toBeUndefined();
    expect(at("https://x/fine", { allow })).toBeUndefined();
    expect(at("https://bad/x", { allow })).toBe(INVALID);
    expect(at("https://bad/x", { deny })).toBeUndefined();
    expect(at("https://bad/evil", { deny })).toBe(INVALID);
    expect(at("https://good/evil", { allow, deny })).toBe(INVALID);
    expect(at("https://good/x", { allow, deny })).toBeUndefined();
    expect(at("https://bad/evil", { allow, deny }, true)).toBeUndefined();
  });

  it("aren't checked for other layers or indexes", () => {
    const zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    expect(urlProblem(withLayer(zstd, "file:///x"))).toBeUndefined();
    const child = { ...descriptorOf("x", OCI_MANIFEST), urls: ["file:///x"] };
    expect(urlProblem(parseManifest(encode(indexOf([child])), OCI_INDEX))).toBeUndefined();
  });
});

describe("requiredReferences", () => {
  const child = (n: number, platform?: object) => ({
    ...descriptorOf(n, OCI_MANIFEST),
    ...(platform ? { platform } : {}),
  });
  const index = parseManifest(
    encode(
      indexOf([
        child(1, { os: "linux", architecture: "amd64" }),
        child(2, { os: "linux", architecture: "arm64", variant: "v8" }),
        child(3),
      ]),
    ),
    OCI_INDEX,
  );
  const required = (validation: ManifestValidation, manifest = index) =>
    requiredReferences(manifest, validation).map(({ descriptor }) => descriptor.digest);
  const digests = [1, 2, 3].map((n) => child(n).digest);
  const indexes = (platforms: "all" | "none" | "list", ...platformlist: { os: string; architecture: string }[]) => ({
    disabled: false,
    manifests: { ...DEFAULT_VALIDATION.manifests, indexes: { platforms, platformlist } },
  });

  it("are all children, none, or those for the listed platforms", () => {
    expect(required(DEFAULT_VALIDATION)).toEqual(digests);
    expect(required(indexes("none"))).toEqual([]);
    expect(required(indexes("list"))).toEqual(digests);
    expect(required(indexes("list", { os: "linux", architecture: "arm64" }))).toEqual([digests[1]]);
    expect(required(indexes("list", { os: "windows", architecture: "arm64" }))).toEqual([]);
  });

  it("treat a blob in an index like a child without a platform", () => {
    const layer = descriptorOf("layer", "application/vnd.oci.image.layer.v1.tar+gzip");
    const cache = parseManifest(encode(indexOf([layer])), OCI_INDEX);
    expect(required(DEFAULT_VALIDATION, cache)).toEqual([layer.digest]);
    expect(required(indexes("list", { os: "linux", architecture: "amd64" }), cache)).toEqual([]);
    expect(required(indexes("none"), cache)).toEqual([]);
  });

  it("are only the config if validation is disabled", () => {
    const off = { ...DEFAULT_VALIDATION, disabled: true };
    expect(required(off)).toEqual([]);
    expect(required(off, image())).toEqual([descriptorOf("config", CONFIG).digest]);
    expect(required(DEFAULT_VALIDATION, image())).toHaveLength(2);
  });
});

describe("a manifest's class", () => {
  const of = (
    config: string,
    mediaType = OCI_MANIFEST,
    classes: readonly string[] | undefined = ["image"],
    granted?: readonly string[],
  ) =>
    reasonOf(() => {
      const body = imageOf({ mediaType });
      const manifest = parseManifest(encode({ ...body, config: { ...body.config, mediaType: config } }), mediaType);
      checkClass(manifest, classes, granted);
    });

  it("must be one of those configured", () => {
    const plugin = "application/vnd.docker.plugin.v1+json";
    expect(of(CONFIG)).toBeUndefined();
    expect(of(CONFIG, OCI_MANIFEST, ["plugin"])).toBe("MANIFEST_CLASS_DENIED: registry does not allow image manifest");
    expect(of(plugin, DOCKER_MANIFEST, ["plugin"])).toBeUndefined();
    expect(of(plugin, DOCKER_MANIFEST)).toBe("MANIFEST_CLASS_DENIED: registry does not allow plugin manifest");
    expect(of("a/b")).toBe("MANIFEST_CLASS_DENIED: unknown manifest class for a/b");
    expect(of(plugin, OCI_MANIFEST, ["plugin"])).toBe(`MANIFEST_CLASS_DENIED: unknown manifest class for ${plugin}`);
  });

  it("must be one of those granted for the repository, if the grant names any", () => {
    const plugin = "application/vnd.docker.plugin.v1+json";
    expect(of(CONFIG, OCI_MANIFEST, ["image", "plugin"], ["image"])).toBeUndefined();
    expect(of(plugin, DOCKER_MANIFEST, ["image", "plugin"], ["image"])).toBe(
      "MANIFEST_CLASS_DENIED: repository not authorized for plugin manifest",
    );
    expect(of(plugin, DOCKER_MANIFEST, ["image", "plugin"], ["plugin"])).toBeUndefined();
    expect(of(CONFIG, OCI_MANIFEST, ["image", "plugin"], ["plugin"])).toBe(
      "MANIFEST_CLASS_DENIED: repository not authorized for image manifest",
    );
  });

  it("isn't checked if none is configured, or for an index", () => {
    expect(
      reasonOf(() => checkClass(image({ config: descriptorOf("x", "a/b") }), undefined, undefined)),
    ).toBeUndefined();
    expect(reasonOf(() => checkClass(parseManifest(encode(indexOf([])), OCI_INDEX), [], undefined))).toBeUndefined();
  });
});
