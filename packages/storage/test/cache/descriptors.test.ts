import { describe, expect, it } from "vitest";
import { storeBlob } from "@longshore/testkit/store-blob";
import { createDescriptorCache } from "../../src/cache/descriptors.js";
import { NO_CACHES, NO_DESCRIPTORS } from "../../src/cache/none.js";
import { openCaches } from "../../src/cache/kinds.js";
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

describe("the descriptor cache of a process", () => {
  it("is bounded, and evicts the least recently used first", async () => {
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

  it("reads through the shared cache once, writes through to it, and deletes from both", async () => {
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

describe("a registry with a descriptor cache", () => {
  const name = repository("a/b");

  async function setup() {
    const driver = createInMemoryDriver();
    const calls: string[] = [];
    const counted = refusing(driver, (operation, path) => {
      calls.push(`${operation} ${path.split("/").at(-1)}`);
      return undefined;
    });
    const caches = await openCaches("inmemory", {
      descriptors: 10,
      redis: undefined,
      sharedManifestBytes: 0,
      identify: () => Promise.reject(new Error("nobody asks")),
    });
    const { blobs, uploads } = openRegistry(counted, { caches }).repository(name);
    return { driver, blobs, uploads, calls };
  }

  it("reads only the link if it has seen the bytes, and both otherwise", async () => {
    const { driver, blobs, calls } = await setup();
    const digest = await putBlob(driver, name, "content");
    expect(await blobs.stat(digest)).toMatchObject({ size: 7 });
    expect(calls.splice(0).sort()).toEqual(["read link", "stat data"]);
    expect(await blobs.stat(digest)).toMatchObject({ size: 7 });
    expect(calls).toEqual(["read link"]);
  });

  it("caches what it stored itself", async () => {
    const { blobs, uploads, calls } = await setup();
    const bytes = encode("content");
    await storeBlob({ uploads }, digestOf(bytes), bytes);
    calls.length = 0;
    expect(await blobs.stat(digestOf(bytes))).toMatchObject({ size: 7 });
    expect(calls).toEqual(["read link"]);
  });

  it("caches a new blob once", async () => {
    const told: string[] = [];
    const descriptors: DescriptorCache = { ...NO_DESCRIPTORS, set: (digest) => void told.push(digest) };
    const registry = openRegistry(createInMemoryDriver(), { caches: { ...NO_CACHES, descriptors } });
    const { uploads } = registry.repository(name);
    const bytes = encode("content");
    await storeBlob({ uploads }, digestOf(bytes), bytes);
    expect(told).toEqual([digestOf(bytes)]);
  });

  it("forgets a blob whose bytes it finds missing", async () => {
    const { driver, blobs } = await setup();
    const digest = await putBlob(driver, name, "content");
    await blobs.stat(digest);
    await driver.delete(blobData(digest));
    expect(await failureOf(blobs.open(digest))).toMatchObject({ code: "BLOB_UNKNOWN" });
    expect(await failureOf(blobs.stat(digest))).toMatchObject({ code: "BLOB_UNKNOWN" });
  });

  it("reports no blob whose link is gone, whatever is cached", async () => {
    const { driver, blobs } = await setup();
    const digest = await putBlob(driver, name, "content");
    await blobs.stat(digest);
    await openRegistry(driver).repository(name).blobs.delete(digest);
    expect(await failureOf(blobs.stat(digest))).toMatchObject({ code: "BLOB_UNKNOWN" });
  });

  it("doesn't rely on the cache when a manifest is pushed", async () => {
    const { driver, blobs } = await setup();
    const digest = await putBlob(driver, name, "content");
    await blobs.stat(digest);
    await driver.delete(blobData(digest));
    const caches = await openCaches("inmemory", {
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
