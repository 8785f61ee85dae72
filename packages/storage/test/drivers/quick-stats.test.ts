import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeCalls, type FileCalls } from "../../src/drivers/filesystem/calls.js";
import { createQuickStats, type QuickStats } from "../../src/drivers/filesystem/quick-stats.js";
import { temporaryDirectory } from "./temporary.js";

const EXT4 = 0xef53;
const NFS = 0x6969;

describe("quick stats", () => {
  let root: string;
  let file: string;
  let remove: () => Promise<void>;
  let clock = 0;
  let looks = 0;
  /** How long a look takes, in ms. */
  let took = 0;

  beforeEach(async () => {
    ({ path: root, remove } = await temporaryDirectory());
    file = join(root, "link");
    await writeFile(file, "one");
    clock = 1000;
    looks = 0;
    took = 0;
  });
  afterEach(() => remove());

  /** Quick stats on a file system of type `type`, with `file` noted and the type known. */
  const start = async (type: number): Promise<QuickStats> => {
    const real = nodeCalls();
    const asked = Promise.resolve(type);
    const calls: FileCalls = {
      ...real,
      fileSystemType: () => asked,
      statNow: (path) => {
        looks += 1;
        clock += took;
        return real.statNow(path);
      },
    };
    const quick = createQuickStats(calls, root, () => clock);
    quick.note(file);
    await asked;
    await Promise.resolve();
    return quick;
  };

  it("answers for what was noted, and only for that", async () => {
    const quick = await start(EXT4);
    expect(quick.of(file)?.size).toBe(3);
    expect(quick.of(join(root, "other"))).toBeUndefined();
    expect(looks).toBe(1);
  });

  it("sees a change at once", async () => {
    const quick = await start(EXT4);
    await writeFile(join(root, "new"), "second");
    await rename(join(root, "new"), file);
    expect(quick.of(file)?.size).toBe(6);
  });

  it("leaves what is missing to the slow way, which says so", async () => {
    const quick = await start(EXT4);
    await remove();
    expect(quick.of(file)).toBeUndefined();
  });

  it("never blocks on a file system that asks another machine", async () => {
    const quick = await start(NFS);
    expect(quick.of(file)).toBeUndefined();
    expect(looks).toBe(0);
  });

  it("takes the slow way for a minute after a look that took long", async () => {
    const quick = await start(EXT4);
    took = 6;
    expect(quick.of(file)).toBeDefined();
    took = 0;
    expect(quick.of(file)).toBeUndefined();
    clock += 60_001;
    quick.note(file);
    expect(quick.of(file)).toBeDefined();
  });

  it("takes the slow way for what nobody has asked for in a minute", async () => {
    const quick = await start(EXT4);
    clock += 60_001;
    expect(quick.of(file)).toBeUndefined();
  });

  it("goes on for what is asked for all the time", async () => {
    const quick = await start(EXT4);
    for (let minute = 0; minute < 10; minute += 1) {
      clock += 30_000;
      expect(quick.of(file)).toBeDefined();
    }
  });
});
