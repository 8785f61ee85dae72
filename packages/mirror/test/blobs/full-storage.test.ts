import { randomBytes } from "node:crypto";
import { MIB } from "@longshore/base/size";
import { isStorageError, StorageError, type FileWriter, type StorageDriver } from "@longshore/storage";
import { collectBytes } from "@longshore/testkit/streams";
import { expect, it } from "vitest";
import { DOWNLOADS } from "../../src/blobs/spool-files.js";
import { createGate, sha256 } from "../fake-upstream.js";
import { APP, firstChunk, openSite } from "../site.js";

const SIZE = 16 * MIB;
const CHUNK = 64 * 1024;

/** Where a file meets a storage that has become full. */
type Moment = "start" | "middle" | "end";

/** A storage that is full for files of downloads from `moment` on, until `isFull` is false. */
function filling(inner: StorageDriver, moment: Moment, isFull: () => boolean): StorageDriver {
  const refuse = (path: string): void => {
    if (!isFull()) return;
    throw new StorageError({ code: "DRIVER_ERROR", driver: inner.name, operation: "write", path, obstacle: "full" });
  };
  return {
    ...inner,
    async writer(path, options): Promise<FileWriter> {
      if (!path.startsWith(DOWNLOADS)) return inner.writer(path, options);
      if (moment === "start") refuse(path);
      const writer = await inner.writer(path, options);
      return {
        get size() {
          return writer.size;
        },
        async write(chunk, call) {
          if (moment === "middle" && writer.size > 11 * MIB) refuse(path);
          await writer.write(chunk, call);
        },
        close: (call) => writer.close(call),
        async commit(call) {
          await writer.commit(call);
          if (moment === "end") refuse(path);
        },
        cancel: (call) => writer.cancel(call),
      };
    },
  };
}

it.each(["middle", "end"] as const)(
  "a storage that is full in the %s of a download cuts off no reader, however far behind, and keeps no file",
  async (moment) => {
    const full = createGate();
    let isFull = true;
    await using site = await openSite("filesystem", {
      wrapDriver: (driver) => filling(driver, moment, () => isFull),
      observer: { notStored: () => full.open() },
    });
    const bytes = randomBytes(SIZE);
    const digest = site.upstream.addBlob(APP, bytes);
    const [reached, gate] = [createGate(), createGate()];
    site.upstream.beforeChunk = async (index) => {
      if (index < (7 * MIB) / CHUNK) return;
      reached.open();
      await gate.opened;
    };
    const { blobs } = site.mirror.repository(APP);
    const fast = collectBytes(await blobs.open(digest));
    const idle = await blobs.open(digest);
    await reached.opened;
    // Its file stream ends where the file does now, which is before what memory holds when the storage is full.
    const late = await blobs.open(digest);
    const head = await firstChunk(late);
    gate.open();
    await full.opened;
    const downloads = (): string[] => site.upstream.calls.filter((call) => call.startsWith("blob"));
    expect(downloads()).toHaveLength(1);
    // What has passed is for those who were there already: a new reader gets a download of its own.
    isFull = false;
    expect(sha256(await collectBytes(await blobs.open(digest)))).toBe(digest);
    expect(downloads()).toHaveLength(2);
    // The slowest sets the pace now.
    const [ofIdle, restOfLate, ofFast] = await Promise.all([collectBytes(idle), collectBytes(late), fast]);
    expect([ofIdle, Buffer.concat([head, restOfLate]), ofFast].map(sha256)).toEqual([digest, digest, digest]);
    await expect.poll(() => filesOf(site.driver, DOWNLOADS)).toEqual([]);
  },
);

it("removes the file at once when the readers that need it leave", async () => {
  const full = createGate();
  await using site = await openSite("filesystem", {
    wrapDriver: (driver) => filling(driver, "middle", () => true),
    observer: { notStored: () => full.open() },
  });
  const bytes = randomBytes(SIZE);
  const digest = site.upstream.addBlob(APP, bytes);
  const { blobs } = site.mirror.repository(APP);
  const idle = await blobs.open(digest);
  await full.opened;
  expect(await filesOf(site.driver, DOWNLOADS)).toHaveLength(1);
  await idle.close();
  await expect.poll(() => filesOf(site.driver, DOWNLOADS)).toEqual([]);
  // The download waits for another reader, and ends with its last byte.
  const rest = await collectBytes(await blobs.open(digest, { start: 11 * MIB }));
  expect(rest.equals(bytes.subarray(11 * MIB))).toBe(true);
});

it("waits in bounded memory for a slow reader of what can't be stored, and goes on when it does", async () => {
  let pulled = 0;
  await using site = await openSite("filesystem", {
    wrapDriver: (driver) => filling(driver, "start", () => true),
    observer: {
      pulled: (_, count) => {
        pulled += count;
      },
    },
  });
  const digest = site.upstream.addBlob(APP, randomBytes(SIZE));
  const slow = await site.mirror.repository(APP).blobs.open(digest);
  // Half of what a download holds in memory, and the chunk that goes beyond it.
  await expect.poll(() => pulled).toBe(2 * MIB + CHUNK);
  expect(sha256(await collectBytes(slow))).toBe(digest);
});

/** The paths of all files below `directory`. */
async function filesOf(driver: StorageDriver, directory: string): Promise<string[]> {
  try {
    const info = await driver.stat(directory);
    if (!info.isDirectory) return [directory];
    const { names } = await driver.list(directory);
    return (await Promise.all(names.map((name) => filesOf(driver, `${directory}/${name}`)))).flat();
  } catch (error) {
    if (isStorageError(error, "PATH_NOT_FOUND")) return [];
    throw error;
  }
}
