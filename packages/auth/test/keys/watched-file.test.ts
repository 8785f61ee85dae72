import { writeFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { openWatchedFile } from "../../src/keys/watched-file.js";
import { recordingLog, temporaryFolder } from "../token/harness.js";

async function watched(content: string) {
  const folder = await temporaryFolder();
  const path = await folder.file("watched", content);
  const log = recordingLog();
  const changes: string[] = [];
  const clock = { time: Date.now() + 3_600_000 };
  let parsed = 0;
  const file = await openWatchedFile({
    path,
    label: "watched",
    parse(bytes) {
      parsed += 1;
      if (bytes.includes("broken")) throw new Error("line 1 is broken");
      return bytes.toString();
    },
    log,
    clock: () => clock.time,
    maxBytes: 100,
    onChange: (value) => changes.push(value),
  });
  return {
    ...{ file, path, log, changes, clock, folder },
    parses: () => parsed,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("a watched file", () => {
  it("is looked at once a second and read when it has changed", async () => {
    await using test = await watched("one");
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

  it("keeps its value while the file is broken or gone, and says so once", async () => {
    await using test = await watched("one");
    await writeFile(test.path, "broken");
    for (let second = 0; second < 3; second += 1) {
      test.clock.time += 1000;
      await test.file.check();
    }
    expect(test.file.value).toBe("one");
    expect(test.log.lines).toEqual([
      expect.objectContaining({ level: "error", fields: { path: test.path, error: "line 1 is broken" } }),
    ]);
    await rm(test.path);
    test.clock.time += 1000;
    await test.file.check();
    expect(test.log.lines).toHaveLength(2);
    await expect(test.file.reload()).rejects.toThrow("ENOENT");
    expect(test.file.value).toBe("one");
    await writeFile(test.path, "four");
    test.clock.time += 1000;
    await test.file.check();
    expect(test.file.value).toBe("four");
  });

  // The grain is a few milliseconds on Linux before 6.13 and on file systems of older kind, and next to nothing elsewhere.
  it("sees a second write within the grain of the file system's clock", async () => {
    await using test = await watched("0");
    for (let round = 0; round < 200; round += 1) {
      // Far enough from the round before for the next look, and not from the file's own time.
      test.clock.time = Date.now() + (round % 2 === 0 ? -1000 : 1000);
      writeFileSync(test.path, "aaa");
      await test.file.reload();
      writeFileSync(test.path, "bbb");
      await test.file.check();
      expect(test.file.value, `round ${round}`).toBe("bbb");
    }
  });

  it("sees another file in its place", async () => {
    await using test = await watched("aaa");
    await rename(await test.folder.file("other", "ccc"), test.path);
    test.clock.time += 1000;
    await test.file.check();
    expect(test.file.value).toBe("ccc");
  });

  it("lets only the one who looks wait", async () => {
    await using test = await watched("one");
    test.clock.time += 1000;
    const looking = test.file.check();
    expect(looking).toBeInstanceOf(Promise);
    test.clock.time += 1000;
    expect(test.file.check()).toBeUndefined();
    await looking;
  });

  it("goes on looking when the clock is set back", async () => {
    await using test = await watched("one");
    await writeFile(test.path, "other");
    test.clock.time -= 7_200_000;
    await test.file.check();
    expect(test.file.value).toBe("other");
  });

  it("refuses more bytes than it may have", async () => {
    await using test = await watched("one");
    await writeFile(test.path, "x".repeat(101));
    await expect(test.file.reload()).rejects.toThrow("larger than 100 bytes");
    await writeFile(test.path, "x".repeat(100));
    await test.file.reload();
    expect(test.file.value).toHaveLength(100);
  });
});
