import { parseDigest, parseRepositoryName, type Registry, type StorageDriver } from "@longshore/storage";
import fc from "fast-check";
import { expect, it } from "vitest";
import { keepCatalog } from "../src/catalog/catalog.js";
import { describeForDrivers, plainRegistry, push } from "./support.js";

const NAMES = ["a", "a-b", "a/b", "b", "c/d", "c/d/e"] as const;
const MIB = 1024 * 1024;

interface Clock {
  now: number;
}

/** A process of a registry. */
function start(driver: StorageDriver, processId: string, clock: Clock, onUntold = (): void => undefined): Registry {
  const options = { processId, maxBytes: MIB, onUntold, clock: () => clock.now };
  return keepCatalog(plainRegistry(driver), driver, options);
}

const listAll = async (registry: Registry): Promise<readonly string[]> => (await registry.repositories()).items;

describeForDrivers("the catalog that processes keep", (over) => {
  it("shows each acknowledged change at once, whichever process made it", async () => {
    const step = fc.record({
      kind: fc.constantFrom("push", "push", "delete", "page", "page"),
      process: fc.nat({ max: 1 }),
      name: fc.constantFrom(...NAMES),
      after: fc.constantFrom("", "", "", "a", "c/d"),
      limit: fc.constantFrom(undefined, undefined, 1, 3),
      wait: fc.constantFrom(0, 1, 30, 30, 3000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), (steps) =>
        over(async (driver) => {
          const clock = { now: 0 };
          const processes = ["one", "two"].map((id) => start(driver, id, clock));
          const held = new Set<string>();
          for (const { kind, process, name, after, limit, wait } of steps) {
            const registry = processes[process] ?? plainRegistry(driver);
            clock.now += wait;
            if (kind === "push") held.add(name);
            if (kind === "push") await push(registry, name, name);
            else if (kind === "delete" && held.delete(name)) {
              const digest = await push(plainRegistry(driver), name, name);
              await registry.repository(parseRepositoryName(name)).manifests.delete(digest);
            } else {
              const following = [...held].filter((each) => each > after).sort();
              expect(await registry.repositories({ after, limit })).toEqual({
                items: following.slice(0, limit),
                more: limit !== undefined && following.length > limit,
              });
            }
          }
        }),
      ),
      { numRuns: 40 },
    );
  });

  it("shows the same page, without another look, until it is told of a change", () =>
    over(async (driver) => {
      const clock = { now: 0 };
      const [one, two] = [start(driver, "one", clock), start(driver, "two", clock)];
      await push(one, "a", "1");
      const page = await two.repositories({ limit: 10 });
      await push(plainRegistry(driver), "b", "1");
      await push(one, "a", "2");
      expect(await two.repositories({ limit: 10 })).toBe(page);
      clock.now += 250;
      const later = await two.repositories({ limit: 10 });
      expect(later).toEqual({ items: ["a"], more: false });
      clock.now += 1;
      expect((await two.repositories({ limit: 10 })).items).toEqual(["a", "b"]);
    }));

  it("keeps no page for a while in which a repository may have become empty", () =>
    over(async (driver) => {
      const clock = { now: 0 };
      const [one, two] = [start(driver, "one", clock), start(driver, "two", clock)];
      await push(one, "a", "1");
      const digest = await push(one, "b", "1");
      await two.repository(parseRepositoryName("b")).manifests.delete(digest);
      expect(await listAll(two)).toEqual(["a"]);
      // Within the time for which this process relies on having said so.
      await push(one, "b", "2");
      expect(await listAll(two)).toEqual(["a", "b"]);
    }));

  it("shows what this process did even if the others can't be told", () =>
    over(async (driver) => {
      const clock = { now: 0 };
      let untold = 0;
      const write: StorageDriver["write"] = (path, bytes, options) =>
        path.includes("/inventory/") ? Promise.reject(new Error("no room")) : driver.write(path, bytes, options);
      const one = start({ ...driver, write }, "one", clock, () => (untold += 1));
      expect(await listAll(one)).toEqual([]);
      const digest = await push(one, "a", "1");
      expect([await listAll(one), untold]).toEqual([["a"], 1]);
      await one.repository(parseRepositoryName("a")).manifests.delete(digest);
      expect([await listAll(one), untold]).toEqual([[], 2]);
    }));

  it("says nothing of a delete that failed", () =>
    over(async (driver) => {
      const one = start(driver, "one", { now: 0 });
      await push(one, "a", "1");
      const page = await one.repositories();
      const none = parseDigest(`sha256:${"0".repeat(64)}`);
      await expect(one.repository(parseRepositoryName("a")).manifests.delete(none)).rejects.toThrow();
      expect(await one.repositories()).toBe(page);
    }));
});
