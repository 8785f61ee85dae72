import { writeFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { testFolder } from "@longshore/testkit/test-folder";
import { openWatchedFile } from "../src/watched-file.js";

async function watched(content: string) {
  const folder = await testFolder();
  const path = join(folder, "watched");
  await writeFile(path, content);
  const changes: string[] = [];
  const complaints: string[] = [];
  const clock = { time: Date.now() + 3_600_000 };
  let parsed = 0;
  const file = await openWatchedFile({
    path,
    parse(bytes) {
      parsed += 1;
      if (bytes.includes("broken")) throw new Error("line 1 is broken");
      return bytes.toString();
    },
    clock: () => clock.time,
    maxBytes: 100,
    onChange: (value) => changes.push(value),
    onUnusable: (reason) => complaints.push(reason),
  });
  return { file, path, changes, complaints, clock, folder, parses: () => parsed };
}

describe("a watched file", () => {
  it("is checked once a second, and read when it has changed", async () => {
    const test = await watched("one");
    await writeFile(test.path, "three");
    expect(test.file.check()).toBeUndefined();
    expect(test.file.value).toBe("one");
    test.clock.time += 1000;
    await test.file.check();
    expect(test.file.value).toBe("three");
    expect(test.changes).toEqual(["three"]);
    test.clock.time += 1000;
    await test.file.check();
    expect(test.parses()).toBe(2);
  });

  it("keeps its value while the file is broken or missing, and reports that once", async () => {
    const test = await watched("one");
    await writeFile(test.path, "broken");
    for (let second = 0; second < 3; second += 1) {
      test.clock.time += 1000;
      await test.file.check();
    }
    expect(test.file.value).toBe("one");
    expect(test.complaints).toEqual(["line 1 is broken"]);
    await rm(test.path);
    test.clock.time += 1000;
    await test.file.check();
    expect(test.complaints).toEqual(["line 1 is broken", expect.stringContaining("ENOENT")]);
    await expect(test.file.reload()).rejects.toThrow("ENOENT");
    expect(test.file.value).toBe("one");
    await writeFile(test.path, "four");
    test.clock.time += 1000;
    await test.file.check();
    expect(test.file.value).toBe("four");
  });

  // The resolution is a few milliseconds on Linux before 6.13 and on older file systems, and much finer elsewhere.
  it("notices a second write within the resolution of the file system's clock", async () => {
    const test = await watched("0");
    for (let round = 0; round < 200; round += 1) {
      // Far enough from the previous round for a check to be due, and close to the file's own time.
      test.clock.time = Date.now() + (round % 2 === 0 ? -1000 : 1000);
      writeFileSync(test.path, "aaa");
      await test.file.reload();
      writeFileSync(test.path, "bbb");
      await test.file.check();
      expect(test.file.value, `round ${round}`).toBe("bbb");
    }
  });

  it("notices a replacement of the same size", async () => {
    const test = await watched("aaa");
    await writeFile(join(test.folder, "other"), "ccc");
    await rename(join(test.folder, "other"), test.path);
    test.clock.time += 1000;
    await test.file.check();
    expect(test.file.value).toBe("ccc");
  });

  it("makes only the caller that triggers a check wait", async () => {
    const test = await watched("one");
    test.clock.time += 1000;
    const looking = test.file.check();
    expect(looking).toBeInstanceOf(Promise);
    test.clock.time += 1000;
    expect(test.file.check()).toBeUndefined();
    await looking;
  });

  it("is still checked after the clock was set back", async () => {
    const test = await watched("one");
    await writeFile(test.path, "other");
    test.clock.time -= 7_200_000;
    await test.file.check();
    expect(test.file.value).toBe("other");
  });

  it("is refused if it is a directory, and says what to do", async () => {
    const test = await watched("one");
    await rm(test.path);
    await mkdir(test.path);
    await expect(test.file.reload()).rejects.toThrow("it is a directory; container engines make one");
  });

  it("is refused if it has more bytes than allowed", async () => {
    const test = await watched("one");
    await writeFile(test.path, "x".repeat(101));
    await expect(test.file.reload()).rejects.toThrow("larger than 100 bytes");
    await writeFile(test.path, "x".repeat(100));
    await test.file.reload();
    expect(test.file.value).toHaveLength(100);
  });
});
