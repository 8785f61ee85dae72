import { rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as setImmediateAsync } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { nodeCalls, type FileCalls } from "../../src/drivers/filesystem/calls.js";
import { createQuickCalls, type QuickCalls } from "../../src/drivers/filesystem/quick-calls.js";

const EXT4 = 0xef53;
const NFS = 0x6969;

describe("quick calls", () => {
  let root: string;
  let file: string;
  let remove: () => Promise<void>;
  let clock = 0;
  let looks = 0;
  /** How long a stat takes, in ms. */
  let took = 0;
  /** Whether a stat asks the disk. */
  let isCold = false;
  let reads = 0;

  beforeEach(async () => {
    ({ path: root, remove } = await makeTemporaryFolder("storage"));
    file = join(root, "link");
    await writeFile(file, "one");
    clock = 1000;
    looks = 0;
    took = 0;
    isCold = false;
    reads = 0;
  });
  afterEach(() => remove());

  /** Quick calls on a file system of type `type`, with `file` noted and the type known. */
  const start = async (type: number): Promise<QuickCalls> => {
    const real = nodeCalls();
    const asked = Promise.resolve(type);
    const calls: FileCalls = {
      ...real,
      fileSystemType: () => asked,
      diskReads: () => reads,
      statNow: (path) => {
        looks += 1;
        clock += took;
        if (isCold) reads += 8;
        return real.statNow(path);
      },
    };
    const quick = createQuickCalls(calls, root, () => clock);
    quick.note(file);
    await asked;
    await Promise.resolve();
    return quick;
  };

  it("answers for noted files only", async () => {
    const quick = await start(EXT4);
    expect(quick.of(file)?.size).toBe(3);
    expect(quick.of(join(root, "other"))).toBeUndefined();
    expect(looks).toBe(1);
  });

  it("notices a change immediately", async () => {
    const quick = await start(EXT4);
    await writeFile(join(root, "new"), "second");
    await rename(join(root, "new"), file);
    expect(quick.of(file)?.size).toBe(6);
  });

  it("leaves missing files to the slow path, which reports them", async () => {
    const quick = await start(EXT4);
    await remove();
    expect(quick.of(file)).toBeUndefined();
  });

  it("never blocks on a network file system", async () => {
    const quick = await start(NFS);
    expect(quick.of(file)).toBeUndefined();
    expect(looks).toBe(0);
  });

  it("takes the slow path for a while once the disk has blocked the process for too long", async () => {
    const quick = await start(EXT4);
    isCold = true;
    took = 51;
    expect(quick.of(file)).toBeDefined();
    took = 0;
    expect(quick.of(file)).toBeUndefined();
    clock += 10_001;
    expect(quick.of(file)).toBeDefined();
  });

  it("stays quick where the disk is slow only now and then", async () => {
    const quick = await start(EXT4);
    isCold = true;
    took = 8;
    for (let count = 0; count < 100; count += 1) {
      clock += 200;
      expect(quick.of(file)).toBeDefined();
    }
    clock += 10;
    for (let count = 0; count < 7; count += 1) quick.of(file);
    expect(quick.of(file)).toBeUndefined();
  });

  it("stays quick where it only has to wait for a processor", async () => {
    const quick = await start(EXT4);
    took = 60;
    for (let count = 0; count < 10; count += 1) expect(quick.of(file)).toBeDefined();
  });

  it("lets other work in after some hundred in one turn of the event loop", async () => {
    const quick = await start(EXT4);
    let other = false;
    setImmediate(() => (other = true));
    let answered = 0;
    while (quick.of(file) !== undefined) answered += 1;
    expect(answered).toBe(200);
    expect(other).toBe(false);
    await setImmediateAsync();
    expect(quick.of(file)).toBeDefined();
  });

  it("can look at a symbolic link itself", async () => {
    const quick = await start(EXT4);
    await rename(file, join(root, "target"));
    await symlink("target", file);
    expect(quick.of(file)?.isFile()).toBe(true);
    expect(quick.ofLink(file)?.isSymbolicLink()).toBe(true);
  });

  it("takes the slow path for files not requested for a minute", async () => {
    const quick = await start(EXT4);
    clock += 60_001;
    expect(quick.of(file)).toBeUndefined();
  });

  it("stays quick for files that are requested constantly", async () => {
    const quick = await start(EXT4);
    for (let minute = 0; minute < 10; minute += 1) {
      clock += 30_000;
      expect(quick.of(file)).toBeDefined();
    }
  });
});
