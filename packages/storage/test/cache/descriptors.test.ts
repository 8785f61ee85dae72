import { describe, expect, it } from "vitest";
import { createDescriptorCache } from "../../src/cache/descriptors.js";
import { NO_DESCRIPTORS } from "../../src/cache/none.js";
import { openCaches } from "../../src/cache/open-caches.js";
import type { DescriptorCache, KnownBlob } from "../../src/contract/caches.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { blobData } from "../../src/layout/paths.js";
import { digestOf } from "../../src/model/digest.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { encode, failureOf, putBlob, refusing, repository, someDigest } from "../store/support.js";

const FIRST = someDigest("1");
const SECOND = someDigest("2");
const THIRD = someDigest("3");
const known = (size: number): KnownBlob => ({ size, modified: 1 });

describe("descriptors that a process remembers", () => {
  it("are no more than were asked for, and those go first that nobody asked about for longest", async () => {
    const cache = createDescriptorCache(2, NO_DESCRIPTORS);
    cache.set(FIRST, known(1));
    cache.set(SECOND, known(2));
    await cache.get(FIRST);
    cache.set(THIRD, known(3));
    expect(await Promise.all([FIRST, SECOND, THIRD].map((digest) => cache.get(digest)))).toEqual([
      known(1),
      undefined,
      known(3),
    ]);
  });

  it("are asked of the shared ones once, told to them, and taken away in both", async () => {
    const calls: string[] = [];
    const shared: DescriptorCache = {
      get: (digest) => {
        calls.push(`get ${digest}`);
        return Promise.resolve(digest === FIRST ? known(1) : undefined);
      },
      set: (digest) => void calls.push(`set ${digest}`),
      delete: (digest) => void calls.push(`delete ${digest}`),
    };
    const hits: boolean[] = [];
    const cache = createDescriptorCache(10, shared, { lookup: (hit) => void hits.push(hit) });
    expect(await cache.get(FIRST)).toEqual(known(1));
    expect(await cache.get(FIRST)).toEqual(known(1));
    expect(await cache.get(SECOND)).toBeUndefined();
    cache.set(SECOND, known(2));
    cache.delete(FIRST);
    expect(await cache.get(SECOND)).toEqual(known(2));
    expect(calls).toEqual([`get ${FIRST}`, `get ${SECOND}`, `set ${SECOND}`, `delete ${FIRST}`]);
    expect(hits).toEqual([true, true, false, true]);
  });
});

describe("a registry that remembers descriptors", () => {
  const name = repository("a/b");

  async function setup() {
    const driver = createInMemoryDriver();
    const calls: string[] = [];
    const counted = refusing(driver, (operation, path) => {
      calls.push(`${operation} ${path.split("/").at(-1)}`);
      return undefined;
    });
    const caches = await openCaches({
      descriptors: 10,
      redis: undefined,
      sharedManifestBytes: 0,
      identify: () => Promise.reject(new Error("nobody asks")),
    });
    const { blobs, uploads } = openRegistry(counted, { caches }).repository(name);
    return { driver, blobs, uploads, calls };
  }

  it("asks for the link alone when it has seen the bytes, and for both before", async () => {
    const { driver, blobs, calls } = await setup();
    const digest = await putBlob(driver, name, "content");
    expect(await blobs.stat(digest)).toMatchObject({ size: 7 });
    expect(calls.splice(0).sort()).toEqual(["read link", "stat data"]);
    expect(await blobs.stat(digest)).toMatchObject({ size: 7 });
    expect(calls).toEqual(["read link"]);
  });

  it("knows what it stored itself", async () => {
    const { blobs, uploads, calls } = await setup();
    const bytes = encode("content");
    const { uuid } = await uploads.start();
    await uploads.commit(uuid, digestOf(bytes), { bytes: one(bytes) });
    calls.length = 0;
    expect(await blobs.stat(digestOf(bytes))).toMatchObject({ size: 7 });
    expect(calls).toEqual(["read link"]);
  });

  it("forgets a blob whose bytes it finds missing", async () => {
    const { driver, blobs } = await setup();
    const digest = await putBlob(driver, name, "content");
    await blobs.stat(digest);
    await driver.delete(blobData(digest));
    expect(await failureOf(blobs.open(digest))).toMatchObject({ code: "BLOB_UNKNOWN" });
    expect(await failureOf(blobs.stat(digest))).toMatchObject({ code: "BLOB_UNKNOWN" });
  });

  it("tells of no blob whose link is gone, whatever it remembers", async () => {
    const { driver, blobs } = await setup();
    const digest = await putBlob(driver, name, "content");
    await blobs.stat(digest);
    await openRegistry(driver).repository(name).blobs.delete(digest);
    expect(await failureOf(blobs.stat(digest))).toMatchObject({ code: "BLOB_UNKNOWN" });
  });

  it("relies on nothing remembered when a manifest is pushed", async () => {
    const { driver, blobs } = await setup();
    const digest = await putBlob(driver, name, "content");
    await blobs.stat(digest);
    await driver.delete(blobData(digest));
    const caches = await openCaches({
      descriptors: 10,
      redis: undefined,
      sharedManifestBytes: 0,
      identify: () => Promise.reject(new Error("nobody asks")),
    });
    caches.descriptors.set(digest, known(7));
    const { manifests } = openRegistry(driver, { caches }).repository(name);
    const config = { mediaType: "application/octet-stream", digest, size: 7 };
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const bytes = encode({ schemaVersion: 2, mediaType, config, layers: [] });
    expect(await failureOf(manifests.put({ bytes, mediaType, tags: [] }))).toMatchObject({
      code: "MANIFEST_REFERENCES_UNKNOWN",
    });
  });
});

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  await Promise.resolve();
  yield bytes;
}
