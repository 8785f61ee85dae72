import { expect, it } from "vitest";
import type { StorageDriver } from "../../src/contract/driver.js";
import { createDescriptorCache } from "../../src/cache/descriptors.js";
import { NO_CACHES, NO_DESCRIPTORS } from "../../src/cache/none.js";
import * as paths from "../../src/layout/paths.js";
import type { Digest } from "../../src/model/digest.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { encode, failureOf, putBlob, refusing } from "../store/support.js";
import { kindsOf, layer, name, pushImage, scrub } from "./support.js";

/** That damaged blobs are moved aside, on storages that `fresh` opens. `every`: of how many calls each is tried. */
export function quarantineSuite(fresh: () => Promise<StorageDriver>, { every = 4 } = {}): void {
  it("moves a damaged blob aside, and the next push of it is taken", async () => {
    const driver = await fresh();
    const digest = await pushImage(driver);
    await driver.write(paths.blobData(layer), encode("LAYER"));
    const forgotten: Digest[] = [];
    const descriptors = { delete: (each: Digest) => void forgotten.push(each) };
    const kinds = await kindsOf(driver, { quarantine: true, descriptors });
    expect(kinds).toEqual(["blob-damaged quarantined", "layer-link-dangling", "manifest-incomplete"]);
    expect(forgotten).toEqual([layer]);
    const { blobs, uploads, manifests } = openRegistry(driver).repository(name);
    expect(await failureOf(blobs.stat(layer))).toMatchObject({ code: "BLOB_UNKNOWN" });
    const { uuid } = await uploads.start();
    async function* bytes() {
      yield await Promise.resolve(encode("layer"));
    }
    await uploads.commit(uuid, layer, { bytes: bytes() });
    expect(await kindsOf(driver, { quarantine: true })).toEqual([]);
    expect((await manifests.get(digest)).digest).toBe(digest);
    const kept = await driver.list(`${paths.ROOT}/longshore/quarantine/sha256/${layer.slice(7)}`);
    expect(kept.names).toHaveLength(1);
  });

  it("leaves sound bytes that a push brings at any moment", async () => {
    // Not at each call: neighbouring ones differ little.
    for (let moment = 1; ; moment += every) {
      const driver = await fresh();
      await pushImage(driver);
      await driver.write(paths.blobData(layer), encode("LAYER"));
      let calls = 0;
      const watched = refusing(driver, async () => {
        if (++calls === moment) await putBlob(driver, name, "layer");
        return undefined;
      });
      await scrub(watched, { quarantine: true });
      if (calls < moment) return;
      expect({ moment, kinds: await kindsOf(driver) }).toEqual({ moment, kinds: [] });
    }
  });

  it("is noticed by a process that remembers the size, when a client asks whether it may leave out the blob", async () => {
    const driver = await fresh();
    await pushImage(driver);
    const descriptors = createDescriptorCache(10, NO_DESCRIPTORS);
    const { blobs } = openRegistry(driver, {
      caches: { ...NO_CACHES, descriptors },
      leases: { freshFor: -1 },
    }).repository(name);
    await blobs.stat(layer, { keep: true });
    await driver.write(paths.blobData(layer), encode("LAYER"));
    await scrub(driver, { quarantine: true });
    expect(await failureOf(blobs.stat(layer, { keep: true }))).toMatchObject({ code: "BLOB_UNKNOWN" });
  });
}
