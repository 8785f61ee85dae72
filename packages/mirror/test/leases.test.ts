import { createDriver, openRecords, type RecordStore } from "@longshore/storage";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createLeases, tidyLeases, type Leases } from "../src/leases/leases.js";

const NOTE = z.string();

describe("leases", () => {
  let records: RecordStore;
  let [here, there]: [Leases<string>?, Leases<string>?] = [];

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date", "performance"] });
    records = openRecords(await createDriver("inmemory", {}));
    [here, there] = [createLeases({ records, note: NOTE }), createLeases({ records, note: NOTE })];
  });
  afterEach(() => void vi.useRealTimers());

  it("are one process's until it gives them up", async () => {
    const lease = await here?.take("test/one", "mine");
    expect(lease?.previous).toBeUndefined();
    expect(await there?.take("test/one", "theirs")).toBeUndefined();
    expect(await there?.look("test/one")).toEqual({ note: "mine", isAlive: true });
    expect(await there?.take("test/two", "theirs")).toBeDefined();
    await lease?.release();
    await lease?.release();
    expect(await there?.look("test/one")).toBeUndefined();
    expect(await there?.take("test/one", "theirs")).toBeDefined();
  });

  it("stay a process's that lives, however long, and tell what it says", async () => {
    const lease = await here?.take("test/one", "first");
    lease?.tell("second");
    for (let minute = 0; minute < 10; minute += 1) {
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await there?.look("test/one")).toEqual({ note: "second", isAlive: true });
      expect(await there?.take("test/one", "theirs")).toBeUndefined();
    }
  });

  it("are taken from a process that shows nothing for ten seconds, which doesn't take them back", async () => {
    const silent = { ...records, replace: () => Promise.resolve(false), remove: () => Promise.resolve() };
    const lease = await createLeases({ records: silent, note: NOTE }).take("test/one", "dead");
    expect(await there?.take("test/one", "theirs")).toBeUndefined();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(await there?.take("test/one", "theirs")).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await there?.look("test/one")).toEqual({ note: "dead", isAlive: false });
    const taken = await there?.take("test/one", "theirs");
    expect(taken?.previous).toBe("dead");
    await lease?.release();
    expect(await here?.look("test/one")).toEqual({ note: "theirs", isAlive: true });
  });

  it("are taken at once from a process of this machine that has ended, or whose last sign is minutes old", async () => {
    const value = (content: object): Uint8Array =>
      Buffer.from(JSON.stringify({ id: "a", beat: 0, note: "dead", ...content }));
    await records.create("test/old", value({ at: Date.now() - 180_000 }));
    expect((await here?.take("test/old", "mine"))?.previous).toBe("dead");
    await records.create("test/damaged", Buffer.from("{"));
    expect(await here?.take("test/damaged", "mine")).toBeDefined();
  });

  it("of the dead are tidied away, and those of the living stay", async () => {
    await here?.take("test/one", "mine");
    await records.create("test/damaged", Buffer.from("{"));
    await records.create("test/old", Buffer.from(JSON.stringify({ at: Date.now() - 180_000 })));
    await tidyLeases(records, "test");
    expect(await records.read("test/damaged")).toBeUndefined();
    expect(await records.read("test/old")).toBeUndefined();
    expect(await records.read("test/one")).toBeDefined();
  });
});
