import { gunzipSync, gzipSync } from "node:zlib";
import type { LayerListing, StorageDriver } from "@longshore/storage";
import { expect, it } from "vitest";
import { LAYER_LISTS } from "../src/layout.js";
import { openLayerLists, type LayerListsOptions } from "../src/layer-lists/layer-lists.js";
import { bytesOf, describeForDrivers, digestOf } from "./support.js";

const MIB = 1024 * 1024;
const open = (driver: StorageDriver, over: Partial<LayerListsOptions> = {}) =>
  openLayerLists(driver, {
    maxBytes: 16 * MIB,
    keeps: true,
    onTrouble: (error) => {
      throw error;
    },
    clock: () => 0,
    ...over,
  });
const layer = (name: string) => digestOf(bytesOf(name));
const LISTING: LayerListing = {
  compression: "gzip",
  cutBy: "text",
  table: { format: "estargz", start: 1, end: 2, digest: "sha256:x" },
  files: [
    { path: "a", type: "file", size: 3, mode: 0o644 },
    { path: "b", type: "symlink", size: 0, mode: 0o777, link: "" },
    { path: "", type: "directory", size: 0, mode: 0o755, removes: "contents" },
  ],
};
/** Another member of gzip, of more bytes than a list has. */
const LARGE = gzipSync(Buffer.alloc(70 * MIB, " "), { level: 1 });
const names = async (driver: StorageDriver) => (await driver.list(LAYER_LISTS)).names;

describeForDrivers("lists of the files in layers", (over) => {
  it("are kept for all processes, by layer and by what they were read from", async () => {
    await over(async (driver) => {
      await open(driver).keep(layer("one"), "table", LISTING);
      const other = open(driver, { keeps: false });
      expect(await other.get(layer("one"), "table")).toEqual(LISTING);
      expect(await other.get(layer("one"), "tar")).toBeUndefined();
      expect(await other.get(layer("two"), "table")).toBeUndefined();
      expect(await open(driver, { maxBytes: 0 }).get(layer("one"), "table")).toBeUndefined();
    });
  });

  it("aren't believed if they are damaged, another layer's, or of another version", async () => {
    await over(async (driver) => {
      const lists = open(driver);
      await lists.keep(layer("one"), "tar", LISTING);
      const [name = ""] = await names(driver);
      const path = `${LAYER_LISTS}/${name}`;
      const bytes = await driver.read(path, { limit: MIB });
      const json = gunzipSync(bytes).toString();
      await driver.write(path.replace(/-[0-9a-f]{64}/, `-${layer("two").slice(7)}`), bytes);
      expect(await lists.get(layer("two"), "tar")).toBeUndefined();
      for (const damaged of [
        bytes.subarray(0, -9),
        bytesOf("nonsense"),
        gzipSync(json.replace('"version":1', '"version":2')),
        gzipSync(json.replace('["a",0,', '["a",9,')),
        gzipSync(json.replace('"text"', '"time"')),
        Buffer.concat([bytes, LARGE]),
      ]) {
        await driver.write(path, damaged);
        expect(await lists.get(layer("one"), "tar")).toBeUndefined();
      }
      await lists.keep(layer("one"), "tar", LISTING);
      expect(await lists.get(layer("one"), "tar")).toEqual(LISTING);
    });
  });

  it("are written by those that may, and if they say all that could be said", async () => {
    await over(async (driver) => {
      await open(driver, { keeps: false }).keep(layer("one"), "tar", LISTING);
      await open(driver).keep(layer("two"), "tar", { ...LISTING, cutBy: "time" });
      await open(driver, { maxBytes: 0 }).keep(layer("three"), "tar", LISTING);
      await open(driver).keep(layer("four"), "tar", LISTING);
      expect(await names(driver)).toEqual([expect.stringContaining(layer("four").slice(7))]);
    });
  });

  it("take no more than they may, of all processes together", async () => {
    await over(async (driver) => {
      for (let index = 0; index < 40; index += 1) {
        await open(driver, { maxBytes: 2 * MIB }).keep(layer(String(index)), "tar", LISTING);
        // Each of them counts as 64 KiB.
        expect((await names(driver)).length).toBeLessThanOrEqual(32);
      }
      expect((await names(driver)).length).toBeGreaterThan(20);
      expect(await open(driver).get(layer("39"), "tar")).toEqual(LISTING);
    });
  });
});
