import { DAY } from "@longshore/base/duration";
import type { StorageDriver } from "@longshore/storage";
import { expect, it } from "vitest";
import { openHistory, type HistoryOptions } from "../src/history/history.js";
import { HISTORY_FILE } from "../src/layout.js";
import { bytesOf, describeForDrivers, push, start } from "./support.js";

const open = (driver: StorageDriver, day: number, over: Partial<HistoryOptions> = {}) =>
  openHistory(driver, {
    maxDays: 3,
    keeps: true,
    onTrouble: (error) => {
      throw error;
    },
    now: () => day * DAY + 5000,
    ...over,
  });
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const usage = (bytes: number) => ({ repositories: 1, tags: 2, manifests: 3, blobs: 4, bytes, logicalBytes: bytes + 1 });
const seen = async (driver: StorageDriver, day = 5) =>
  (await open(driver, day).read()).map((point) => [point.day / DAY, point.bytes]);

describeForDrivers("the history of usage", (over) => {
  it("has one point for each day, whoever counts and how often", async () => {
    await over(async (driver) => {
      for (const bytes of [10, 10, 20]) await open(driver, 1).note(usage(bytes));
      await open(driver, 3).note(usage(30));
      expect(await seen(driver)).toEqual([
        [1, 20],
        [3, 30],
      ]);
      // A clock that is behind changes nothing.
      await open(driver, 2).note(usage(7));
      for (const day of [4, 5]) await open(driver, day).note(usage(day));
      expect(await seen(driver)).toEqual([
        [3, 30],
        [4, 4],
        [5, 5],
      ]);
    });
  });

  it("leaves a file alone that it can't read, and says so", async () => {
    await over(async (driver) => {
      for (const text of ['{"version":1,"days":[[1,-1]]}', '{"version":2,"days":[]}', "{"]) {
        await driver.write(HISTORY_FILE, bytesOf(text));
        const troubles: unknown[] = [];
        const history = open(driver, 1, { onTrouble: (error) => troubles.push(error) });
        await history.note(usage(1));
        expect(await history.read()).toEqual([]);
        expect(String(troubles)).toContain("move it away to begin anew");
        expect(textOf(await driver.read(HISTORY_FILE, { limit: 1000 }))).toBe(text);
      }
    });
  });

  it("forgets what a clock noted that was far ahead", async () => {
    await over(async (driver) => {
      for (const day of [1, 90_000, 2]) await open(driver, day).note(usage(day));
      expect(await seen(driver)).toEqual([
        [1, 1],
        [2, 2],
      ]);
    });
  });

  it("isn't written by those that may not", async () => {
    await over(async (driver) => {
      await open(driver, 1, { keeps: false }).note(usage(1));
      await open(driver, 1, { maxDays: 0 }).note(usage(1));
      expect(await seen(driver)).toEqual([]);
    });
  });

  it("is written when everything is counted", async () => {
    await over(async (driver) => {
      const { inventory, registry } = start(driver);
      await push(registry, "team/app", "one", "1");
      await inventory.usage("team");
      expect(await inventory.history()).toEqual([]);
      const { bytes } = await inventory.usage();
      expect(await inventory.history()).toMatchObject([{ bytes, repositories: 1, tags: 1 }]);
    });
  });
});
