import { gunzipSync, gzipSync } from "node:zlib";
import type { StorageDriver } from "@longshore/storage";
import { expect, it } from "vitest";
import { LAYER_LISTS } from "../src/layout.js";
import { openLayerLists, type LayerListsOptions } from "../src/layer-lists/layer-lists.js";
import type { WrittenListing } from "../src/layer-lists/list-file.js";
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
const LISTING: WrittenListing = {
  compression: "gzip",
  cutBy: "text",
  table: { format: "estargz", start: 1, end: 2, digest: "sha256:x" },
  files: bytesOf('[{"path":"a","type":"file","size":3,"mode":"0644"}]'),
};
/** Another member of gzip, of more bytes than a list has. */
const LARGE = gzipSync(Buffer.alloc(70 * MIB, " "), { level: 1 });
const legible = (list: WrittenListing | undefined) => list && { ...list, files: Buffer.from(list.files).toString() };
const names = async (driver: StorageDriver) => (await driver.list(LAYER_LISTS)).names;

describeForDrivers("lists of the files in layers", (over) => {
  it("are kept for all processes, by layer and by what they were read from", async () => {
    await over(async (driver) => {
      await open(driver).keep(layer("one"), "table", LISTING);
      const other = open(driver, { keeps: false });
      expect(legible(await other.get(layer("one"), "table"))).toEqual(legible(LISTING));
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
        gzipSync(json.replace('"version":2', '"version":1')),
        gzipSync(json.replace("\n", " ")),
        gzipSync(json.replace('"text"', '"time"')),
        Buffer.concat([bytes, LARGE]),
      ]) {
        await driver.write(path, damaged);
        expect(await lists.get(layer("one"), "tar")).toBeUndefined();
      }
      await lists.keep(layer("one"), "tar", LISTING);
      expect(legible(await lists.get(layer("one"), "tar"))).toEqual(legible(LISTING));
    });
  });

  it("are written by those that may, and if they say all that could be said", async () => {
    await over(async (driver) => {
      await open(driver, { keeps: false }).keep(layer("one"), "tar", LISTING);
      await open(driver).keep(layer("two"), "tar", { ...LISTING, cutBy: "time" });
      await open(driver, { maxBytes: 0 }).keep(layer("three"), "tar", LISTING);
      await open(driver).keep(layer("four"), "tar", LISTING);
      await open(driver).keep(layer("five"), "tar", { ...LISTING, files: Buffer.alloc(17 * MIB, " ") });
      expect(await names(driver)).toEqual([expect.stringContaining(layer("four").slice(7))]);
    });
  });

  it("take no more than they may, of all processes together", async () => {
    await over(async (driver) => {
      for (let index = 0; index < 40; index += 1) {
        const lists = open(driver, { maxBytes: 2 * MIB });
        await lists.keep(layer(String(index)), "tar", LISTING);
        // Each of them counts as 64 KiB. Others are looked at behind.
        await expect.poll(async () => (await names(driver)).length).toBeLessThanOrEqual(32);
        await lists.close();
      }
      expect((await names(driver)).length).toBeGreaterThan(20);
      expect(legible(await open(driver).get(layer("39"), "tar"))).toEqual(legible(LISTING));
    });
  });

  it("are kept before others are looked at, which ends when the registry does", async () => {
    await over(async (driver) => {
      const looks: (AbortSignal | undefined)[] = [];
      const slow: StorageDriver = {
        ...driver,
        stat: (_, { signal } = {}) => {
          looks.push(signal);
          return new Promise((_resolve, reject) => {
            signal?.addEventListener("abort", () => {
              reject(new Error("aborted"));
            });
          });
        },
      };
      const lists = open(slow, { maxBytes: MIB });
      for (const name of ["one", "two"]) await lists.keep(layer(name), "tar", LISTING);
      expect(await names(driver)).toHaveLength(2);
      await expect.poll(() => looks.length).toBeGreaterThan(0);
      await lists.close();
      // Once at a time, though the second list came meanwhile.
      expect(looks.length).toBeLessThanOrEqual(2);
      await lists.keep(layer("three"), "tar", LISTING);
      expect(await names(driver)).toHaveLength(2);
    });
  });
});
