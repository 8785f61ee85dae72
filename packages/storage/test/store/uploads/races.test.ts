import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { UploadStore } from "../../../src/contract/upload-store.js";
import { uploadDirectory, uploadStartedAt } from "../../../src/layout/paths.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { expectFault } from "../../contract/driver-contract.js";
import { bodyOf, digestBy, expectBlob, heldBody, NAME, STORAGES, until, type TestStorage } from "./support.js";

const KIB = 1024;

describe.each(STORAGES)("uploads in a race over %s", (_, open) => {
  let storage: TestStorage;
  let uploads: UploadStore;
  let elsewhere: UploadStore;
  beforeEach(async () => {
    storage = await open();
    uploads = createUploads(storage.driver).store(NAME);
    elsewhere = createUploads(storage.another()).store(NAME);
  });
  afterEach(() => storage.destroy());

  const namesOf = async (uuid: string): Promise<readonly string[]> =>
    (await storage.driver.list(uploadDirectory(NAME, uuid))).names.filter((name) => name !== "digests");

  it("lets the newer of two requests of one process continue where the older one stalled", async () => {
    const bytes = randomBytes(200 * KIB);
    const { uuid } = await uploads.start();
    const stalled = heldBody({ offset: 0 });
    const older = uploads.append(uuid, stalled.body);
    await stalled.send(bytes.subarray(0, 150 * KIB));
    expect((await uploads.status(uuid)).size).toBe(150 * KIB);
    const told = expectFault(older, "UPLOAD_TAKEN_OVER");
    await expectFault(uploads.append(uuid, { ...bodyOf(bytes), offset: 3 }), "UPLOAD_OFFSET_INVALID");
    const offset = (await uploads.status(uuid)).size;
    await uploads.commit(uuid, digestBy(bytes), { ...bodyOf(bytes.subarray(offset)), offset });
    await told;
    await expectBlob(storage.driver, digestBy(bytes), bytes);
  });

  it("reports a takeover to a request that is reading the bytes", async () => {
    const bytes = randomBytes(100 * KIB);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(bytes));
    const driver: StorageDriver = {
      ...storage.driver,
      open: async (path, options) => {
        await storage.driver.delete(uploadDirectory(NAME, uuid));
        return storage.driver.open(path, options);
      },
    };
    const late = createUploads(driver).store(NAME);
    await expectFault(late.commit(uuid, digestBy(bytes), undefined), "UPLOAD_TAKEN_OVER");
  });

  it("lets one of two simultaneous appends win, in one process and in two", async () => {
    for (const other of [uploads, elsewhere]) {
      for (let turn = 0; turn < 10; turn += 1) {
        const { uuid } = await uploads.start();
        const parts = [randomBytes(100 * KIB), randomBytes(100 * KIB)] as const;
        const results = await Promise.allSettled([
          uploads.append(uuid, { ...bodyOf(parts[0]), offset: 0 }),
          other.append(uuid, { ...bodyOf(parts[1]), offset: 0 }),
        ]);
        const winners = parts.filter((_part, index) => results[index]?.status === "fulfilled");
        for (const result of results) {
          if (result.status === "fulfilled") continue;
          expect(["UPLOAD_TAKEN_OVER", "UPLOAD_OFFSET_INVALID"]).toContain((result.reason as { code?: unknown }).code);
        }
        expect(winners).toHaveLength(1);
        expect(await namesOf(uuid)).toEqual(["data", "startedat"]);
        const winner = winners[0] ?? parts[0];
        await other.commit(uuid, digestBy(winner), undefined);
        await expectBlob(storage.driver, digestBy(winner), winner);
      }
    }
  });

  it("leaves a committed blob intact when a stalled writer resumes after its claim was taken over", async () => {
    const bytes = randomBytes(400 * KIB);
    const { uuid } = await uploads.start();
    const stalled = heldBody({ offset: 0 });
    const older = uploads.append(uuid, stalled.body);
    await stalled.send(bytes.subarray(0, 128 * KIB));
    // What the other process sees is what has been written.
    await until(async () => (await elsewhere.status(uuid)).size === 128 * KIB);
    await elsewhere.append(uuid, { ...bodyOf(bytes.subarray(128 * KIB, 256 * KIB)), offset: 128 * KIB });
    await stalled.send(randomBytes(128 * KIB));
    await elsewhere.commit(uuid, digestBy(bytes), { ...bodyOf(bytes.subarray(256 * KIB)), offset: 256 * KIB });
    await stalled.send(randomBytes(128 * KIB));
    await stalled.send(randomBytes(128 * KIB));
    stalled.end();
    await expectFault(older, "UPLOAD_TAKEN_OVER");
    await expectBlob(storage.driver, digestBy(bytes), bytes);
    await expectFault(storage.driver.stat(uploadStartedAt(NAME, uuid)), "PATH_NOT_FOUND");
  });

  it("leaves it intact, too, if nothing was appended between the takeover and the commit", async () => {
    const bytes = randomBytes(128 * KIB);
    const { uuid } = await uploads.start();
    const stalled = heldBody({ offset: 0 });
    const older = uploads.append(uuid, stalled.body);
    await stalled.send(bytes);
    await until(async () => (await elsewhere.status(uuid)).size === bytes.length);
    await elsewhere.commit(uuid, digestBy(bytes), undefined);
    await stalled.send(randomBytes(128 * KIB));
    stalled.end();
    await expectFault(older, "UPLOAD_TAKEN_OVER");
    await expectBlob(storage.driver, digestBy(bytes), bytes);
  });

  it("keeps a resuming stalled commit from undoing or damaging what a newer one made", async () => {
    const { uuid } = await uploads.start();
    const bytes = randomBytes(128 * KIB);
    const stalled = heldBody({ offset: 0 });
    const older = uploads.commit(uuid, digestBy(bytes), stalled.body);
    await stalled.send(bytes.subarray(0, 64 * KIB));
    await until(async () => (await elsewhere.status(uuid)).size === 64 * KIB);
    const other = randomBytes(64 * KIB);
    const status = await elsewhere.append(uuid, { ...bodyOf(other), offset: 64 * KIB });
    expect(status.size).toBe(128 * KIB);
    await stalled.send(bytes.subarray(64 * KIB));
    stalled.end();
    // It verified its own file, so its blob is right whichever request holds the session; or it got an error that it had lost.
    const [result] = await Promise.allSettled([older]);
    if (result.status === "fulfilled") await expectBlob(storage.driver, digestBy(bytes), bytes);
    else expect(result.reason).toMatchObject({ code: "UPLOAD_TAKEN_OVER" });
  });

  it("lets one of many simultaneous takeovers win", async () => {
    const bytes = randomBytes(128 * KIB);
    const { uuid } = await uploads.start();
    const stalled = heldBody({ offset: 0 });
    const older = uploads.append(uuid, stalled.body);
    await stalled.send(bytes);
    await until(async () => (await elsewhere.status(uuid)).size === bytes.length);
    const told = expectFault(older, "UPLOAD_TAKEN_OVER");
    const newcomers = Array.from({ length: 5 }, (_unused, index) => ({
      store: createUploads(storage.another()).store(NAME),
      part: Buffer.alloc(10, index),
    }));
    const results = await Promise.allSettled(
      newcomers.map(({ store, part }) => store.append(uuid, { ...bodyOf(part), offset: bytes.length })),
    );
    const winners = newcomers.filter((_newcomer, index) => results[index]?.status === "fulfilled");
    expect(winners).toHaveLength(1);
    stalled.end();
    await told;
    expect(await namesOf(uuid)).toEqual(["data", "startedat"]);
    const whole = Buffer.concat([bytes, winners[0]?.part ?? bytes]);
    await elsewhere.commit(uuid, digestBy(whole), undefined);
    await expectBlob(storage.driver, digestBy(whole), whole);
  });

  it("commits the same bytes from many sessions concurrently", async () => {
    const bytes = randomBytes(300 * KIB);
    const stores = [uploads, elsewhere, uploads, elsewhere];
    const descriptors = await Promise.all(
      stores.map(async (store) => {
        const { uuid } = await store.start();
        return store.commit(uuid, digestBy(bytes), bodyOf(bytes));
      }),
    );
    for (const { size } of descriptors) expect(size).toBe(bytes.length);
    await expectBlob(storage.driver, digestBy(bytes), bytes);
  });
});
