import { expect, it } from "vitest";
import { indexOf } from "@longshore/testkit/fixtures";
import type { StorageDriver } from "../../../src/contract/driver.js";
import { StorageError } from "../../../src/errors.js";
import * as paths from "../../../src/layout/paths.js";
import { digestOf, type Digest } from "../../../src/model/digest.js";
import { DOCKER_SCHEMA1, OCI_INDEX, OCI_MANIFEST } from "../../../src/model/media-types.js";
import { openRegistry, type RegistryOptions } from "../../../src/store/open-registry.js";
import { DEFAULT_VALIDATION } from "../../../src/store/validation.js";
import {
  CONFIG,
  descriptorOf,
  describeForDrivers,
  encode,
  failureOf,
  imageOf,
  LAYER,
  putBlob,
  putOriginal,
  refusing,
  repository,
  tag,
} from "../support.js";

const name = repository("library/alpine");
const other = repository("other");

function openOver(driver: StorageDriver, options?: RegistryOptions) {
  return openRegistry(driver, options).repository(name);
}

async function withBlobs(driver: StorageDriver, into = name): Promise<void> {
  await putBlob(driver, into, "config");
  await putBlob(driver, into, "layer");
}

const pushOf = (body: unknown, mediaType = OCI_MANIFEST, tags: readonly string[] = [], digest?: Digest) => ({
  bytes: encode(body),
  mediaType,
  tags: tags.map(tag),
  digest,
});

/** Every file of the repository's `_manifests`, by path. */
async function filesBelow(driver: StorageDriver, path: string): Promise<string[]> {
  const { names } = await driver.list(path).catch(() => ({ names: [] }));
  const below = await Promise.all(
    names.map(async (child) => {
      const inside = `${path}/${child}`;
      return (await driver.stat(inside)).isDirectory ? filesBelow(driver, inside) : [inside];
    }),
  );
  return below.flat();
}

describeForDrivers("a pushed manifest", (open) => {
  it("is stored as Distribution stores it, and read back byte for byte", async () => {
    const driver = await open();
    await withBlobs(driver);
    const { manifests, tags } = openOver(driver);
    const bytes = encode(` ${JSON.stringify(imageOf())}\n`);
    const pushed = await manifests.put({ bytes, mediaType: OCI_MANIFEST, tags: [tag("v1"), tag("latest"), tag("v1")] });
    const digest = digestOf(bytes);
    expect(pushed.descriptor).toMatchObject({ digest, mediaType: OCI_MANIFEST, size: bytes.length });
    expect(pushed).not.toHaveProperty("subject");
    expect(await driver.read(paths.blobData(digest))).toEqual(bytes);
    const files = await filesBelow(driver, paths.manifestsDirectory(name));
    expect(files.sort()).toEqual(
      [
        paths.revisionLink(name, digest),
        ...["v1", "latest"].flatMap((text) => [
          paths.tagCurrentLink(name, tag(text)),
          paths.tagIndexLink(name, tag(text), digest),
        ]),
      ].sort(),
    );
    for (const file of files) expect(await driver.read(file)).toEqual(encode(digest));
    expect(await tags.resolve(tag("v1"))).toBe(digest);
    for (const repositoryAgain of [openOver(driver), openOver(driver, { manifestCacheBytes: 0 })]) {
      const stored = await repositoryAgain.manifests.get(digest);
      expect({ ...stored, bytes: Buffer.from(stored.bytes) }).toEqual({
        digest,
        mediaType: OCI_MANIFEST,
        bytes: Buffer.from(bytes),
      });
    }
  });

  it("is stored under the digest with which it was pushed", async () => {
    const driver = await open();
    const config = { ...descriptorOf("config", CONFIG), digest: await putBlob(driver, name, "config", "sha512") };
    const body = imageOf();
    const bytes = encode({ ...body, config, layers: [] });
    const digest = digestOf(bytes, "sha512");
    const { manifests, tags } = openOver(driver);
    await manifests.put({ bytes, mediaType: OCI_MANIFEST, tags: [tag("big")], digest });
    expect(await tags.resolve(tag("big"))).toBe(digest);
    expect(await driver.read(paths.blobData(digest))).toEqual(bytes);
    expect(await manifests.get(digest)).toMatchObject({ digest });
    expect(await failureOf(manifests.get(digestOf(bytes)))).toMatchObject({ code: "MANIFEST_UNKNOWN" });
    expect(await manifests.delete(digest)).toEqual({ removedTags: ["big"] });
  });

  it("must match the digest with which it is pushed", async () => {
    const driver = await open();
    await withBlobs(driver);
    const wrong = digestOf(encode("something else"));
    const failure = await failureOf(openOver(driver).manifests.put(pushOf(imageOf(), OCI_MANIFEST, [], wrong)));
    expect(failure).toMatchObject({
      code: "DIGEST_MISMATCH",
      fault: { expected: wrong, actual: digestOf(encode(imageOf())) },
    });
    expect(await filesBelow(driver, paths.manifestsDirectory(name))).toEqual([]);
  });

  it("is refused with everything that is missing, each once, and changes nothing", async () => {
    const driver = await open();
    await withBlobs(driver, other);
    const { manifests } = openOver(driver);
    const missing = descriptorOf("nowhere", LAYER);
    const failure = await failureOf(
      manifests.put(pushOf(imageOf({ layers: [missing, missing] }), OCI_MANIFEST, ["v1"])),
    );
    // The config is in another repository, so it counts as missing.
    expect(failure).toMatchObject({
      code: "MANIFEST_REFERENCES_UNKNOWN",
      fault: { digests: [descriptorOf("config", CONFIG).digest, missing.digest] },
    });
    expect(await filesBelow(driver, paths.repositoryDirectory(name))).toEqual([]);
    expect(await failureOf(driver.stat(paths.blobData(digestOf(encode(imageOf())))))).toMatchObject({
      code: "PATH_NOT_FOUND",
    });
  });

  it("is refused if a linked blob has no bytes", async () => {
    const driver = await open();
    await withBlobs(driver);
    const layer = descriptorOf("layer", LAYER).digest;
    await driver.delete(paths.blobData(layer));
    const failure = await failureOf(openOver(driver).manifests.put(pushOf(imageOf())));
    expect(failure).toMatchObject({ code: "MANIFEST_REFERENCES_UNKNOWN", fault: { digests: [layer] } });
  });

  it("may be an index of existing manifests", async () => {
    const driver = await open();
    await withBlobs(driver);
    const { manifests } = openOver(driver);
    const child = descriptorOf(imageOf(), OCI_MANIFEST);
    const index = pushOf(indexOf([child]), OCI_INDEX, ["multi"]);
    expect(await failureOf(manifests.put(index))).toMatchObject({
      code: "MANIFEST_REFERENCES_UNKNOWN",
      fault: { digests: [child.digest] },
    });
    await manifests.put(pushOf(imageOf()));
    const { manifest, descriptor } = await manifests.put(index);
    expect(manifest).toMatchObject({ kind: "index", manifests: [child] });
    expect(await manifests.get(descriptor.digest)).toMatchObject({ mediaType: OCI_INDEX });
  });

  it("may be sparse if validation is disabled, except for its config", async () => {
    const driver = await open();
    await putBlob(driver, name, "config");
    const { manifests } = openOver(driver, { validation: { ...DEFAULT_VALIDATION, disabled: true } });
    await manifests.put(pushOf(imageOf()));
    await manifests.put(pushOf(indexOf([descriptorOf("nowhere", OCI_MANIFEST)]), OCI_INDEX));
    expect(await failureOf(manifests.put(pushOf(imageOf({ config: "x" }))))).toMatchObject({
      code: "MANIFEST_REFERENCES_UNKNOWN",
    });
  });

  it("is refused for its class, its URLs or its size before anything is written", async () => {
    const driver = await open();
    await withBlobs(driver);
    const refused = async (options: RegistryOptions, body: unknown = imageOf()) =>
      failureOf(openOver(driver, options).manifests.put(pushOf(body)));
    expect(await refused({ classes: ["plugin"] })).toMatchObject({ code: "MANIFEST_CLASS_DENIED" });
    const layer = { ...descriptorOf("layer", LAYER), urls: ["ftp://x/y"] };
    expect(await refused({}, imageOf({ layers: [layer] }))).toMatchObject({ code: "MANIFEST_INVALID" });
    expect(await refused({ maxManifestBytes: encode(imageOf()).length - 1 })).toMatchObject({
      code: "MANIFEST_INVALID",
    });
    expect(await refused({ maxManifestBytes: encode(imageOf()).length })).toBeUndefined();
  });

  it.each(["empty", "flipped", "longer", "zeros"])("replaces damaged bytes and a damaged link: %s", async (damage) => {
    const driver = await open();
    await withBlobs(driver);
    const bytes = encode(imageOf());
    const damaged = {
      empty: new Uint8Array(0),
      flipped: bytes.map((byte, at) => (at === bytes.length - 3 ? byte ^ 1 : byte)),
      longer: Uint8Array.from([...bytes, 10]),
      zeros: new Uint8Array(bytes.length),
    }[damage];
    const { descriptor } = await openOver(driver).manifests.put(pushOf(imageOf(), OCI_MANIFEST, ["v1"]));
    await driver.write(paths.blobData(descriptor.digest), damaged ?? bytes);
    await driver.write(paths.revisionLink(name, descriptor.digest), encode("\0".repeat(71)));
    await driver.write(paths.tagCurrentLink(name, tag("v1")), encode("\0".repeat(71)));
    expect(await failureOf(openOver(driver).tags.resolve(tag("v1")))).toMatchObject({ code: "TAG_UNKNOWN" });
    await openOver(driver).manifests.put(pushOf(imageOf(), OCI_MANIFEST, ["v1"]));
    const restarted = openOver(driver);
    expect(await restarted.tags.resolve(tag("v1"))).toBe(descriptor.digest);
    expect((await restarted.manifests.get(descriptor.digest)).bytes).toEqual(bytes);
    expect(await driver.read(paths.revisionLink(name, descriptor.digest))).toEqual(encode(descriptor.digest));
  });

  it("is refused if a power loss left a blob empty", async () => {
    const driver = await open();
    await withBlobs(driver);
    const layer = descriptorOf("layer", LAYER).digest;
    await driver.write(paths.blobData(layer), new Uint8Array(0));
    const image = await failureOf(openOver(driver).manifests.put(pushOf(imageOf())));
    expect(image).toMatchObject({ code: "MANIFEST_REFERENCES_UNKNOWN", fault: { digests: [layer] } });
    await putBlob(driver, name, "layer");
    const { descriptor } = await openOver(driver).manifests.put(pushOf(imageOf()));
    await driver.write(paths.blobData(descriptor.digest), new Uint8Array(0));
    const index = await failureOf(openOver(driver).manifests.put(pushOf(indexOf([descriptor]), OCI_INDEX)));
    expect(index).toMatchObject({ code: "MANIFEST_REFERENCES_UNKNOWN", fault: { digests: [descriptor.digest] } });
  });

  it("isn't written again if it exists, unless a crash truncated it", async () => {
    const driver = await open();
    await withBlobs(driver);
    const written: string[] = [];
    const watched = refusing(driver, (operation, path) => void (operation === "write" && written.push(path)));
    const { manifests } = openOver(watched);
    const { descriptor } = await manifests.put(pushOf(imageOf(), OCI_MANIFEST, ["v1"]));
    expect(written).toHaveLength(4);
    await manifests.put(pushOf(imageOf(), OCI_MANIFEST, ["v1"]));
    expect(written).toHaveLength(4);
    await driver.write(paths.blobData(descriptor.digest), encode("{"));
    await driver.write(paths.revisionLink(name, descriptor.digest), encode(""));
    expect(await failureOf(openOver(driver).manifests.get(descriptor.digest))).toMatchObject({
      code: "MANIFEST_UNKNOWN",
    });
    await manifests.put(pushOf(imageOf()));
    expect(await openOver(driver).manifests.get(descriptor.digest)).toMatchObject({ bytes: encode(imageOf()) });
  });

  it("removes its link if a collector removed a blob between the two checks", async () => {
    const driver = await open();
    await withBlobs(driver);
    const layer = descriptorOf("layer", LAYER).digest;
    const digest = digestOf(encode(imageOf({ subject: descriptorOf("s", OCI_MANIFEST) })));
    const racing = refusing(driver, async (operation, path) => {
      const isLinking = operation === "write" && path === paths.revisionLink(name, digest);
      if (isLinking) await driver.delete(paths.blobData(layer));
      return undefined;
    });
    const body = imageOf({ subject: descriptorOf("s", OCI_MANIFEST) });
    const failure = await failureOf(openOver(racing).manifests.put(pushOf(body, OCI_MANIFEST, ["v1"])));
    expect(failure).toMatchObject({ code: "MANIFEST_REFERENCES_UNKNOWN", fault: { digests: [layer] } });
    expect(await filesBelow(driver, paths.manifestsDirectory(name))).toEqual([]);
    expect(await failureOf(openOver(driver).manifests.get(digest))).toMatchObject({ code: "MANIFEST_UNKNOWN" });
  });

  it("never gets a tag before its link is durable, or a link before its bytes are", async () => {
    const driver = await open();
    await withBlobs(driver);
    const broken = new StorageError({ code: "DRIVER_ERROR", driver: "test", operation: "write", path: "/" });
    const digest = digestOf(encode(imageOf()));
    for (const path of [paths.blobData(digest), paths.revisionLink(name, digest)]) {
      const failing = refusing(driver, (operation, at) => (operation === "write" && at === path ? broken : undefined));
      expect(await failureOf(openOver(failing).manifests.put(pushOf(imageOf(), OCI_MANIFEST, ["v1"])))).toBe(broken);
      expect(await filesBelow(driver, paths.manifestsDirectory(name))).toEqual([]);
    }
  });

  it("is refused without checking every missing reference if there are very many", async () => {
    let looks = 0;
    const driver = refusing(await open(), () => {
      looks += 1;
      return undefined;
    });
    const layers = Array.from({ length: 20_000 }, (_, index) => descriptorOf(`missing ${index}`, LAYER));
    const failure = await failureOf(openOver(driver).manifests.put(pushOf({ ...imageOf(), layers })));
    expect(failure).toMatchObject({ code: "MANIFEST_REFERENCES_UNKNOWN" });
    const digests = failure instanceof StorageError && "digests" in failure.fault ? failure.fault.digests : [];
    expect(digests.length).toBeGreaterThanOrEqual(1000);
    expect(digests.length).toBeLessThan(2000);
    expect(looks).toBeLessThan(5000);
  });
});

describeForDrivers("a stored manifest", (open) => {
  it("is known only if it is linked, whatever is cached", async () => {
    const driver = await open();
    const registry = openRegistry(driver);
    const digest = await putOriginal(driver, name, imageOf());
    expect(await registry.repository(name).manifests.get(digest)).toMatchObject({ digest });
    const failure = await failureOf(registry.repository(other).manifests.get(digest));
    expect(failure).toMatchObject({
      code: "MANIFEST_UNKNOWN",
      message: `unknown manifest name=other revision=${digest}`,
    });
    await driver.delete(paths.revisionLink(name, digest));
    expect(await failureOf(registry.repository(name).manifests.get(digest))).toMatchObject({
      code: "MANIFEST_UNKNOWN",
    });
  });

  it("costs one stat if its bytes are cached", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, imageOf());
    const calls: string[] = [];
    const { manifests } = openOver(refusing(driver, (operation) => void calls.push(operation)));
    await manifests.get(digest);
    calls.length = 0;
    await manifests.get(digest);
    expect(calls).toEqual(["stat"]);
  });

  it("is unknown if its bytes are missing, different, too many or not a manifest", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, imageOf());
    const unknown = { code: "MANIFEST_UNKNOWN" };
    const small = openOver(driver, { maxManifestBytes: 10 });
    expect(await failureOf(small.manifests.get(digest))).toMatchObject(unknown);
    await driver.write(paths.blobData(digest), encode("{}"));
    expect(await failureOf(openOver(driver).manifests.get(digest))).toMatchObject(unknown);
    await driver.delete(paths.blobData(digest));
    expect(await failureOf(openOver(driver).manifests.get(digest))).toMatchObject(unknown);
    const text = await putOriginal(driver, name, "not JSON");
    expect(await failureOf(openOver(driver).manifests.get(text))).toMatchObject(unknown);
  });

  it("is an error, not unknown, if the storage fails", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, imageOf());
    const broken = new StorageError({ code: "DRIVER_ERROR", driver: "test", operation: "read", path: "/" });
    for (const failing of ["stat", "read"]) {
      const { manifests } = openOver(refusing(driver, (operation) => (operation === failing ? broken : undefined)));
      expect(await failureOf(manifests.get(digest))).toBe(broken);
    }
  });

  it("of schema 1 is served as it is, also if registry 2.1 linked it", async () => {
    const driver = await open();
    const old = { schemaVersion: 1, name: "library/alpine", tag: "old", fsLayers: [], history: [] };
    const digest = await putOriginal(driver, name, old, "old");
    const { manifests } = openOver(driver);
    expect(await manifests.get(digest)).toMatchObject({ mediaType: DOCKER_SCHEMA1 });
    const amongLayers = await putBlob(driver, name, JSON.stringify({ ...old, tag: "older" }));
    expect(await manifests.get(amongLayers)).toMatchObject({ mediaType: DOCKER_SCHEMA1 });
    const blob = await putBlob(driver, name, JSON.stringify(imageOf()));
    expect(await failureOf(manifests.get(blob))).toMatchObject({ code: "MANIFEST_UNKNOWN" });
  });

  it("is deleted with its directory and the tags that currently point to it", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, imageOf(), "a", "b", "moved");
    const kept = await putOriginal(driver, name, imageOf({ n: 2 }), "moved", "kept");
    await driver.write(paths.tagCurrentLink(name, tag("damaged")), encode("garbage"));
    await driver.write(`${paths.revisionDirectory(name, digest)}/signatures/sha256/x/link`, encode("old"));
    const { manifests, tags } = openOver(driver);
    expect(await manifests.delete(digest)).toEqual({ removedTags: ["a", "b"] });
    expect((await tags.list()).items).toEqual(["damaged", "kept", "moved"]);
    expect(await tags.resolve(tag("moved"))).toBe(kept);
    expect(await failureOf(driver.stat(paths.revisionDirectory(name, digest)))).toMatchObject({
      code: "PATH_NOT_FOUND",
    });
    expect(await driver.stat(paths.blobData(digest))).toMatchObject({ isDirectory: false });
    expect(await failureOf(manifests.get(digest))).toMatchObject({ code: "MANIFEST_UNKNOWN" });
    expect(await failureOf(manifests.delete(digest))).toMatchObject({ code: "MANIFEST_UNKNOWN" });
  });

  it("can be deleted even if it can't be read", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, imageOf(), "a");
    await driver.delete(paths.blobData(digest));
    expect(await openOver(driver).manifests.delete(digest)).toEqual({ removedTags: ["a"] });
  });

  it("ends with the caller's signal", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, imageOf());
    const signal = AbortSignal.abort(new Error("gone"));
    expect(await failureOf(openOver(driver).manifests.get(digest, { signal }))).toMatchObject({ message: "gone" });
  });
});

describeForDrivers("a push beside a delete of the same manifest", (open) => {
  const bytesOf = { v1: imageOf(), v2: imageOf({ annotations: { version: "2" } }) };
  const digest = digestOf(encode(bytesOf.v1));

  /** Runs `work` once, before the first call of `operation` on a path that ends with `end`. */
  const interrupting = (driver: StorageDriver, operation: string, end: string, work: () => Promise<unknown>) => {
    let isDone = false;
    return refusing(driver, async (called, path) => {
      if (isDone || called !== operation || !path.endsWith(end)) return undefined;
      isDone = true;
      await work();
      return undefined;
    });
  };

  it("leaves no dangling tag", async () => {
    const plain = await open();
    await withBlobs(plain);
    const driver = interrupting(plain, "write", "/v1/current/link", () => openOver(plain).manifests.delete(digest));
    await openOver(driver).manifests.put(pushOf(bytesOf.v1, OCI_MANIFEST, ["v1"]));
    const { manifests, tags } = openOver(plain);
    expect(await tags.resolve(tag("v1"))).toBe(digest);
    expect(await manifests.get(digest)).toMatchObject({ digest });
  });

  it("keeps a tag that is set to another manifest while the tags are searched", async () => {
    const plain = await open();
    await withBlobs(plain);
    const { manifests, tags } = openOver(plain);
    await manifests.put(pushOf(bytesOf.v1, OCI_MANIFEST, ["a", "b"]));
    const push = pushOf(bytesOf.v2, OCI_MANIFEST, ["a"]);
    const driver = interrupting(plain, "read", "/b/current/link", () => manifests.put(push));
    expect(await openOver(driver).manifests.delete(digest)).toEqual({ removedTags: ["b"] });
    expect(await tags.resolve(tag("a"))).toBe(digestOf(encode(bytesOf.v2)));
  });

  it("keeps the tags of a manifest that is pushed again meanwhile", async () => {
    const plain = await open();
    await withBlobs(plain);
    const { manifests, tags } = openOver(plain);
    const push = pushOf(bytesOf.v1, OCI_MANIFEST, ["a"]);
    await manifests.put(push);
    const driver = interrupting(plain, "read", "/a/current/link", () => manifests.put(push));
    expect(await openOver(driver).manifests.delete(digest)).toEqual({ removedTags: [] });
    expect(await tags.resolve(tag("a"))).toBe(digest);
    expect(await manifests.get(digest)).toMatchObject({ digest });
  });
});

describeForDrivers("while the storage is away", (open) => {
  it("a manifest that was served here can be served by its digest, and nothing more is promised", async () => {
    const driver = await open();
    const known = await putOriginal(driver, name, imageOf());
    let isAway = false;
    const away = (): void => {
      if (isAway) throw new StorageError({ code: "STORAGE_UNAVAILABLE", driver: driver.name, retryAfter: 5 });
    };
    const shaky: StorageDriver = {
      ...driver,
      read: async (...call) => {
        away();
        return driver.read(...call);
      },
      stat: async (...call) => {
        away();
        return driver.stat(...call);
      },
    };
    const registry = openRegistry(shaky);
    const { manifests } = registry.repository(name);
    const { bytes } = await manifests.get(known);
    isAway = true;
    expect((await manifests.get(known)).bytes).toEqual(bytes);
    expect(await failureOf(registry.repository(other).manifests.get(known))).toMatchObject({
      code: "STORAGE_UNAVAILABLE",
    });
    expect(await failureOf(manifests.get(digestOf(encode("another"))))).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  });
});
