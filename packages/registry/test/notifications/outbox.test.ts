import { copyFile, mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import type { OutboxRecord } from "../../src/notifications/outbox/contract.js";
import { Cursor } from "../../src/notifications/outbox/cursor.js";
import { encodeFrames, scanSegment } from "../../src/notifications/outbox/frame.js";
import { openMemoryOutbox } from "../../src/notifications/outbox/memory-outbox.js";
import { openOutbox, randomFrom, readAll, textsOf } from "./support.js";

const bytes = (text: string): Buffer => Buffer.from(text);
const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `event ${from + index}`);

describe("an outbox on disk", () => {
  it("returns records in order, from any position, even after being reopened", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    const outbox = await openOutbox(directory.path);
    await Promise.all(names(1, 500).map((name) => outbox.append([bytes(name)], true)));
    expect(textsOf(await readAll(outbox))).toEqual(names(1, 500));
    expect(textsOf(await readAll(outbox, 400))).toEqual(names(400, 500));
    await outbox.close();
    const again = await openOutbox(directory.path);
    expect(again.next).toBe(501);
    await again.append([bytes("event 501")], false);
    expect(textsOf(await readAll(again, 499))).toEqual(names(499, 501));
    await again.close();
  });

  it("lets a reader wait at the end, over the border of segments, with records of any size", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    const outbox = await openOutbox(directory.path, { maxBytes: 64 * 1024 * 1024 });
    const reader = outbox.reader(1);
    expect(await reader.next()).toBeUndefined();
    const sizes = [0, 1, 70_000, 64 * 1024 - 20, 3_000_000, 5, 2_500_000, 64 * 1024];
    for (const [index, size] of sizes.entries()) {
      await outbox.append([Buffer.alloc(size, index + 1)], true);
      const record = await reader.next();
      expect([record?.sequence, record?.payload.equals(Buffer.alloc(size, index + 1))]).toEqual([index + 1, true]);
      expect(await reader.next()).toBeUndefined();
    }
    expect((await readdir(directory.path)).length).toBeGreaterThan(1);
    await reader.close();
    await outbox.close();
  });

  it("drops events that no reader needs, a segment at a time", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    const outbox = await openOutbox(directory.path);
    for (let count = 0; count < 40; count += 1) await outbox.append([Buffer.alloc(16_000)], false);
    const before = (await readdir(directory.path)).length;
    await outbox.trim(20);
    expect((await readdir(directory.path)).length).toBeLessThan(before);
    expect((await readAll(outbox, 20)).length).toBe(21);
    await outbox.close();
  });

  it("never grows beyond its bound: the oldest become dead letters, none twice and none silently", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    const evicted: OutboxRecord[] = [];
    const maxBytes = 256 * 1024;
    const outbox = await openOutbox(directory.path, {
      maxBytes,
      evict: (records, next) => {
        expect(records.at(-1)?.sequence).toBe(next - 1);
        evicted.push(...records);
        return Promise.resolve();
      },
    });
    const slow = outbox.reader(1);
    await outbox.append([bytes("event 1")], true);
    expect((await slow.next())?.sequence).toBe(1);
    for (const name of names(2, 400)) {
      await outbox.append([bytes(name.padEnd(2000))], false);
      expect(outbox.bytes).toBeLessThanOrEqual(maxBytes);
    }
    const left = await readAll(outbox);
    expect([...evicted, ...left].map(({ sequence }) => sequence)).toEqual(names(1, 400).map((_, index) => index + 1));
    // Who was at the front goes on with the first that is left.
    const record = await slow.next();
    expect(record?.sequence).toBeGreaterThan(1);
    await slow.close();
    await outbox.close();
  });

  it("numbers on from the furthest reader: a power loss may have taken records that it saw", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    const outbox = await openOutbox(directory.path, { atLeast: 100 });
    await outbox.append([bytes("after")], true);
    expect((await readAll(outbox, 100)).map(({ sequence }) => sequence)).toEqual([100]);
    await outbox.close();
  });
});

describe("a crash", () => {
  it("at any byte of the last write costs nothing that was there before, and nothing is made up", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    const source = join(directory.path, "source");
    await mkdir(source);
    const outbox = await openOutbox(source);
    await outbox.append(names(1, 3).map(bytes), true);
    const acknowledged = outbox.bytes;
    await outbox.append([bytes("event 4"), bytes("event 5")], true);
    await outbox.close();
    const [name = ""] = await readdir(source);
    const length = (await readFile(join(source, name))).byteLength;
    for (let cut = acknowledged; cut <= length; cut += 1) {
      const copy = join(directory.path, `cut-${cut}`);
      await mkdir(copy);
      await copyFile(join(source, name), join(copy, name));
      await truncate(join(copy, name), cut);
      const repairs: string[] = [];
      const mended = await openOutbox(copy, { onRepair: (what) => void repairs.push(what) });
      const texts = textsOf(await readAll(mended));
      expect(texts.length).toBeGreaterThanOrEqual(3);
      expect(texts).toEqual(names(1, texts.length));
      expect(repairs).not.toContain("damaged");
      await mended.append([bytes("next")], true);
      await mended.close();
      const again = await openOutbox(copy);
      expect(textsOf(await readAll(again))).toEqual([...texts, "next"]);
      await again.close();
    }
  });

  it("that leaves anything behind the last record, too (500 random tails)", () => {
    const random = randomFrom(7);
    const whole = encodeFrames(names(1, 5).map(bytes), 1);
    for (let round = 0; round < 500; round += 1) {
      const tail = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
      // Zeros are what a file system leaves where a block never reached the disk.
      if (round % 3 === 0) tail.fill(0);
      // The beginning of a record that looks right.
      const begun = round % 2 === 0 ? encodeFrames([bytes("x".repeat(300))], 6).subarray(0, 150) : Buffer.alloc(0);
      const scanned = scanSegment(Buffer.concat([whole, begun, tail]));
      expect(textsOf(scanned.records)).toEqual(names(1, 5));
      expect([scanned.end, scanned.damaged]).toEqual([whole.byteLength, false]);
    }
  });

  it("or a bad disk that changes one byte costs one record at the most, and is noticed", () => {
    const whole = encodeFrames(names(1, 6).map(bytes), 1);
    const all = names(1, 6);
    for (let at = 0; at < whole.byteLength; at += 1) {
      const changed = Buffer.from(whole);
      changed.writeUInt8((changed.readUInt8(at) + 1) % 256, at);
      const scanned = scanSegment(changed);
      const texts = textsOf(scanned.records);
      expect(texts.length).toBe(5);
      expect(all.filter((name) => texts.includes(name))).toEqual(texts);
      const lostLast = !texts.includes("event 6");
      expect(scanned.damaged).toBe(!lostLast);
    }
  });

  it("ignores the remains of a failed write that a later one partly overwrote, because their numbers are too low", () => {
    const kept = encodeFrames([bytes("a")], 50);
    const stale = encodeFrames([bytes("b"), bytes("c")], 10);
    expect(textsOf(scanSegment(Buffer.concat([kept, stale])).records)).toEqual(["a"]);
  });
});

describe("a cursor", () => {
  it("is there again after it was set, and a torn write leaves the one before", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    const path = join(directory.path, "cursor");
    const { cursor, isNew } = await Cursor.open(path);
    expect([isNew, cursor.sequence]).toEqual([true, 1]);
    for (const sequence of [1, 2, 3, 4]) {
      cursor.set(sequence);
      await cursor.sync();
    }
    await cursor.close();
    const content = await readFile(path);
    const found: number[] = [];
    for (let at = 0; at < content.byteLength; at += 1) {
      const torn = Buffer.from(content);
      torn.writeUInt8((torn.readUInt8(at) + 1) % 256, at);
      await writeFile(path, torn);
      const again = await Cursor.open(path);
      expect(again.isNew).toBe(false);
      found.push(again.cursor.sequence);
      await again.cursor.close();
    }
    expect([...new Set(found)].sort()).toEqual([3, 4]);
  });

  it("that was only opened, and synced, is no new one any more", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    const path = join(directory.path, "cursor");
    const first = await Cursor.open(path);
    first.cursor.set(1);
    await first.cursor.sync();
    await first.cursor.close();
    const second = await Cursor.open(path);
    expect(second.isNew).toBe(false);
    await second.cursor.close();
  });
});

describe("an outbox in memory", () => {
  it("has the same order and the same bound", async () => {
    const evicted: OutboxRecord[] = [];
    const outbox = openMemoryOutbox({
      maxBytes: 10_000,
      evict: (records) => Promise.resolve(void evicted.push(...records)),
    });
    const reader = outbox.reader(1);
    for (const name of names(1, 300)) await outbox.append([bytes(name.padEnd(100))], false);
    expect(outbox.bytes).toBeLessThanOrEqual(10_000);
    const left = await readAll(outbox);
    expect([...evicted, ...left].map(({ sequence }) => sequence)).toEqual(names(1, 300).map((_, index) => index + 1));
    expect((await reader.next())?.sequence).toBe(left[0]?.sequence);
    await outbox.trim(300);
    expect(textsOf(await readAll(outbox)).map((text) => text.trim())).toEqual(["event 300"]);
  });
});
