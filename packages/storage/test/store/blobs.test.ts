import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storeBlob } from "@longshore/testkit/store-blob";
import { collectBytes } from "@longshore/testkit/streams";
import type { BlobStore } from "../../src/contract/blob-store.js";
import { blobData, blobDirectory, layerLink } from "../../src/layout/paths.js";
import { NO_CACHES } from "../../src/cache/none.js";
import { createBlobStore } from "../../src/store/blobs.js";
import { openLeases } from "../../src/store/leases/open-leases.js";
import { createUploads } from "../../src/store/uploads/uploads.js";
import { expectFault } from "../contract/driver-contract.js";
import { digestBy, NAME, OTHER, STORAGES, type TestStorage } from "./uploads/support.js";

describe.each(STORAGES)("blobs over %s", (_, open) => {
  const bytes = randomBytes(200_000);
  const digest = digestBy(bytes);
  let storage: TestStorage;
  let blobs: BlobStore;
  let others: BlobStore;
  const parts = () => ({ ...NO_CACHES, leases: openLeases(storage.driver).leases });
  beforeEach(async () => {
    storage = await open();
    blobs = createBlobStore(storage.driver, NAME, parts());
    others = createBlobStore(storage.driver, OTHER, parts());
    await storeBlob({ uploads: createUploads(storage.driver).store(NAME) }, digest, bytes);
  });
  afterEach(() => storage.destroy());

  const expectUnknown = async (store: BlobStore, one = digest): Promise<void> => {
    const works: Promise<unknown>[] = [
      store.stat(one),
      store.open(one),
      store.redirectUrl(one, { method: "GET" }),
      store.delete(one),
      createBlobStore(storage.driver, OTHER, parts()).mount(one, NAME),
    ];
    await Promise.all(
      works.map((work) => expect(work).rejects.toMatchObject({ fault: { code: "BLOB_UNKNOWN", digest: one } })),
    );
  };

  it("describes and returns what the repository links", async () => {
    expect(await blobs.stat(digest)).toEqual({ mediaType: "application/octet-stream", digest, size: bytes.length });
    const stream = await blobs.open(digest);
    expect(stream.size).toBe(bytes.length);
    expect(Buffer.compare(await collectBytes(stream), bytes)).toBe(0);
    const range = await blobs.open(digest, { start: 5, end: 104_999 });
    expect(Buffer.compare(await collectBytes(range), bytes.subarray(5, 105_000))).toBe(0);
    await expectFault(blobs.open(digest, { start: bytes.length + 1 }), "INVALID_OFFSET");
    expect(await blobs.redirectUrl(digest, { method: "GET" })).toBeUndefined();
  });

  it("doesn't know blobs that only another repository links, or that don't exist", async () => {
    await expectUnknown(blobs, digestBy(Buffer.from("nothing")));
    const works: Promise<unknown>[] = [
      others.stat(digest),
      others.open(digest),
      others.delete(digest),
      blobs.mount(digest, OTHER),
    ];
    await Promise.all(works.map((work) => expectFault(work, "BLOB_UNKNOWN")));
  });

  it("doesn't claim to have a blob whose bytes a collector removed, however often it was requested before", async () => {
    await blobs.stat(digest);
    await collectBytes(await blobs.open(digest));
    await storage.driver.delete(blobDirectory(digest));
    await expectFault(blobs.stat(digest), "BLOB_UNKNOWN");
    await expectFault(blobs.open(digest), "BLOB_UNKNOWN");
    await expectFault(others.mount(digest, NAME), "BLOB_UNKNOWN");
    await expectFault(others.mount(digest, undefined), "BLOB_UNKNOWN");
    await expectFault(others.stat(digest), "BLOB_UNKNOWN");
  });

  it("doesn't find a blob whose link another process removed", async () => {
    await blobs.stat(digest);
    await storage.another().delete(layerLink(NAME, digest));
    await expectUnknown(blobs);
  });

  it("deletes only the link", async () => {
    await others.mount(digest, NAME);
    await blobs.delete(digest);
    await expectUnknown(blobs);
    expect((await others.stat(digest)).size).toBe(bytes.length);
  });

  it.each([NAME, undefined])("mounts from %s", async (from) => {
    expect(await others.mount(digest, from)).toEqual({
      mediaType: "application/octet-stream",
      digest,
      size: bytes.length,
    });
    expect(Buffer.from(await storage.driver.read(layerLink(OTHER, digest))).toString()).toBe(digest);
    expect(Buffer.compare(await collectBytes(await others.open(digest)), bytes)).toBe(0);
  });

  it("follows Distribution's link from a sha512 to the sha256, and answers with the requested digest", async () => {
    const alias = digestBy(bytes, "sha512");
    await storage.driver.write(layerLink(NAME, alias), Buffer.from(digest));
    expect(await blobs.stat(alias)).toEqual({
      mediaType: "application/octet-stream",
      digest: alias,
      size: bytes.length,
    });
    expect(Buffer.compare(await collectBytes(await blobs.open(alias)), bytes)).toBe(0);
    expect((await others.mount(alias, NAME)).digest).toBe(alias);
    expect(Buffer.compare(await collectBytes(await others.open(alias)), bytes)).toBe(0);
    await expectFault(others.mount(alias, undefined), "BLOB_UNKNOWN");
    expect(await storage.driver.stat(blobData(digest))).toMatchObject({ size: bytes.length });
  });

  it("doesn't know a blob whose bytes a power failure lost, but does know an empty one", async () => {
    await storage.driver.write(blobData(digest), new Uint8Array(0));
    await expectFault(blobs.stat(digest), "BLOB_UNKNOWN");
    await expectFault(blobs.open(digest), "BLOB_UNKNOWN");
    await expectFault(others.mount(digest, NAME), "BLOB_UNKNOWN");
    const empty = digestBy(new Uint8Array(0));
    await storage.driver.write(blobData(empty), new Uint8Array(0));
    await storage.driver.write(layerLink(NAME, empty), Buffer.from(empty));
    expect((await blobs.stat(empty)).size).toBe(0);
    expect(await collectBytes(await blobs.open(empty))).toHaveLength(0);
  });

  it("distinguishes a damaged link from a missing one", async () => {
    await storage.driver.write(layerLink(NAME, digest), Buffer.from(`${digest} hello`));
    await expectFault(blobs.stat(digest), "DRIVER_ERROR");
    await storage.driver.write(layerLink(NAME, digest), Buffer.from(""));
    await expectFault(blobs.stat(digest), "BLOB_UNKNOWN");
  });
});
