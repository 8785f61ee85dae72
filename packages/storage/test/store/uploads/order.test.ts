import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import { createFilesystemDriver } from "../../../src/drivers/filesystem/driver.js";
import { uploadDirectory } from "../../../src/layout/paths.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { observe, systemError, type ObservedCalls } from "../../drivers/faulty-calls.js";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { bodyOf, digestBy, expectBlob, heldBody, NAME, until } from "./support.js";

const MIB = 1024 * 1024;

/** What a power loss could remove must not be relied on: checks the order of syncs and renames, as the disk sees it. */
describe("what uploads make durable, and when", () => {
  let root: string;
  let remove: () => Promise<void>;
  const drivers: StorageDriver[] = [];
  beforeEach(async () => {
    ({ path: root, remove } = await makeTemporaryFolder("uploads"));
  });
  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.close()));
    await remove();
  });

  const start = (...parameters: Parameters<typeof observe> extends [string, ...infer Rest] ? Rest : never) => {
    const observed: ObservedCalls = observe(root, ...parameters);
    const driver = createFilesystemDriver({ rootdirectory: root, buffersize: 64 * 1024 }, { calls: observed.calls });
    drivers.push(driver);
    return { driver, log: observed.log, uploads: createUploads(driver).store(NAME) };
  };
  const at = (log: readonly string[], pattern: RegExp): number => {
    const index = log.findIndex((line) => pattern.test(line));
    expect(index, `${pattern} in\n${log.join("\n")}`).toBeGreaterThanOrEqual(0);
    return index;
  };

  it("starts a session without a sync", async () => {
    const { uploads, log } = start();
    await uploads.start();
    expect(log.filter((line) => line.includes("sync"))).toEqual([]);
  });

  it("an append: the bytes' sync, then the rename back, then the digest", async () => {
    const { uploads, log } = start();
    const { uuid } = await uploads.start();
    log.length = 0;
    await uploads.append(uuid, bodyOf(randomBytes(2 * MIB)));
    const claim = at(log, /^rename \S+\/data \S+\/data\.ID$/);
    const sync = at(log, /^fdatasync \S+\/data\.ID$/);
    const back = at(log, /^rename \S+\/data\.ID \S+\/data$/);
    const record = at(log, /^write \S+\/digests\/sha256\/2097152\.ID\.tmp$/);
    expect([claim, sync, back, record]).toEqual([claim, sync, back, record].toSorted((a, b) => a - b));
    expect(log.filter((line) => line.includes("sync"))).toHaveLength(1);
    expect(log.slice(0, sync).filter((line) => line.startsWith("write")).length).toBeGreaterThan(0);
    expect(log.slice(sync, back).filter((line) => /^write \S+\/data/.test(line))).toEqual([]);
  });

  it("a commit: the bytes' sync, then the move, and everything durable before it resolves", async () => {
    const { uploads, log } = start();
    const bytes = randomBytes(10_000);
    const digest = digestBy(bytes);
    const { uuid } = await uploads.start();
    log.length = 0;
    await uploads.commit(uuid, digest, bodyOf(bytes));
    const hex = digest.slice("sha256:".length);
    const sync = at(log, /^fdatasync \S+\/data\.ID$/);
    const move = at(log, new RegExp(`^rename \\S+/data\\.ID \\S+/blobs/sha256/${hex.slice(0, 2)}/${hex}/data$`));
    const moved = at(log, new RegExp(`^fsync \\S+/blobs/sha256/${hex.slice(0, 2)}/${hex}$`));
    const linkSync = at(log, /^fdatasync \S+\/link\.ID\.tmp$/);
    const link = at(log, /^rename \S+\/link\.ID\.tmp \S+\/link$/);
    const linked = at(log, new RegExp(`^fsync \\S+/_layers/sha256/${hex}$`));
    const removed = at(log, /^unlink \S+\/startedat$/);
    expect(sync).toBeLessThan(move);
    expect(move).toBeLessThan(moved);
    expect(linkSync).toBeLessThan(link);
    expect(link).toBeLessThan(linked);
    for (const parent of [
      "/blobs",
      "/blobs/sha256",
      `/blobs/sha256/${hex.slice(0, 2)}`,
      "/_layers",
      "/_layers/sha256",
    ]) {
      at(log, new RegExp(`^fsync \\S+${parent}$`));
    }
    expect(Math.max(moved, linked)).toBeLessThan(removed);
  });

  it("stores no digest of bytes whose sync failed, and the next append copies the file", async () => {
    let broken = true;
    const { driver, uploads, log } = start((real) => ({
      fdatasync: (fd) => (broken ? Promise.reject(systemError("EIO")) : real.fdatasync(fd)),
    }));
    const bytes = randomBytes(2 * MIB);
    const { uuid } = await uploads.start();
    await expect(uploads.append(uuid, bodyOf(bytes))).rejects.toMatchObject({ code: "DRIVER_ERROR" });
    const names = (await driver.list(uploadDirectory(NAME, uuid))).names;
    expect(names).not.toContain("digests");
    expect(names).not.toContain("data");
    broken = false;
    const { size } = await uploads.status(uuid);
    log.length = 0;
    await uploads.commit(uuid, digestBy(bytes), { ...bodyOf(bytes.subarray(size)), offset: size });
    expect(at(log, /^fdatasync \S+\/copy\.ID$/)).toBeLessThan(at(log, /^rename \S+\/data\.ID \S+\/taken\.ID$/));
    await expectBlob(driver, digestBy(bytes), bytes);
  });

  it("a takeover: the copy's sync, then the fence, durable before anything is appended", async () => {
    const stalled = start();
    const newer = start();
    const bytes = randomBytes(256 * 1024);
    const { uuid } = await stalled.uploads.start();
    const held = heldBody({ offset: 0 });
    const older = stalled.uploads.append(uuid, held.body);
    await held.send(bytes.subarray(0, 128 * 1024));
    await until(async () => (await newer.uploads.status(uuid)).size === 128 * 1024);
    await newer.uploads.append(uuid, { ...bodyOf(bytes.subarray(128 * 1024)), offset: 128 * 1024 });
    const steps = [
      at(newer.log, /^fdatasync \S+\/copy\.ID$/),
      at(newer.log, /^rename \S+\/data\.ID \S+\/taken\.ID$/),
      at(newer.log, new RegExp(`^fsync \\S+/_uploads/ID$`)),
      at(newer.log, /^rename \S+\/copy\.ID \S+\/data\.ID$/),
      at(newer.log, /^write \S+\/data\.ID$/),
      at(newer.log, /^fdatasync \S+\/data\.ID$/),
      at(newer.log, /^rename \S+\/data\.ID \S+\/data$/),
    ];
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    held.end();
    await expect(older).rejects.toMatchObject({ code: "UPLOAD_TAKEN_OVER" });
    await newer.uploads.commit(uuid, digestBy(bytes), undefined);
    await expectBlob(newer.driver, digestBy(bytes), bytes);
  });

  it("a newer request of the same process: the older one's sync and rename back, without a copy", async () => {
    const slowSync = async (): Promise<void> => {
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    const { uploads, log } = start((real) => ({ fdatasync: (fd) => slowSync().then(() => real.fdatasync(fd)) }));
    const bytes = randomBytes(256 * 1024);
    const { uuid } = await uploads.start();
    const held = heldBody({ offset: 0 });
    const older = uploads.append(uuid, held.body);
    await held.send(bytes.subarray(0, 128 * 1024));
    await until(async () => (await uploads.status(uuid)).size === 128 * 1024);
    const told = expect(older).rejects.toMatchObject({ code: "UPLOAD_TAKEN_OVER" });
    await uploads.append(uuid, { ...bodyOf(bytes.subarray(128 * 1024)), offset: 128 * 1024 });
    await told;
    expect(log.filter((line) => line.includes("copy."))).toEqual([]);
    expect(log.filter((line) => /^rename \S+\/data\.ID \S+\/data$/.test(line))).toHaveLength(2);
  });

  it("reads and syncs unverified bytes before they become a blob", async () => {
    const first = start();
    const bytes = randomBytes(MIB + 1);
    const { uuid } = await first.uploads.start();
    await first.uploads.append(uuid, bodyOf(bytes));
    await first.driver.delete(`${uploadDirectory(NAME, uuid)}/digests`);
    const second = start();
    await second.uploads.commit(uuid, digestBy(bytes), undefined);
    expect(at(second.log, /^fdatasync \S+\/data\.ID$/)).toBeLessThan(
      at(second.log, /^rename \S+\/data\.ID \S+\/blobs/),
    );
  });
});
