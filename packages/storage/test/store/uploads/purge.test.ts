import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { UploadStatus } from "../../../src/contract/upload-store.js";
import { driverError } from "../../../src/drivers/shared/errors.js";
import { REPOSITORIES_DIRECTORY, uploadDirectory, uploadStartedAt } from "../../../src/layout/paths.js";
import { purgeUploads } from "../../../src/store/uploads/purge.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { expectFault } from "../../contract/driver-contract.js";
import {
  bodyOf,
  digestBy,
  heldBody,
  NAME,
  OBJECT_STORAGES,
  S3_STORAGES,
  OTHER,
  STORAGES,
  type TestStorage,
} from "./support.js";

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

describe.each([...STORAGES, ...OBJECT_STORAGES, ...S3_STORAGES])("purging uploads over %s", (_, open) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await open();
  });
  afterEach(() => storage.destroy());

  it("removes old sessions of every repository, and leaves young ones", async () => {
    const old = [
      (await startedAgo(storage.driver, 2 * DAY, NAME)).uuid,
      (await startedAgo(storage.driver, 25 * HOUR, OTHER)).uuid,
    ];
    const { uuid: young } = await startedAgo(storage.driver, 23 * HOUR);
    expect(await purgeUploads(storage.driver, { olderThan: yesterday(), dryRun: true })).toEqual({
      deleted: 2,
      aborted: 0,
      errors: 0,
    });
    expect(await purgeUploads(storage.driver, { olderThan: yesterday() })).toEqual({
      deleted: 2,
      aborted: 0,
      errors: 0,
    });
    const uploads = createUploads(storage.driver);
    await expectFault(uploads.store(NAME).status(old[0] ?? ""), "UPLOAD_UNKNOWN");
    await expectFault(uploads.store(OTHER).status(old[1] ?? ""), "UPLOAD_UNKNOWN");
    expect((await uploads.store(NAME).status(young)).uuid).toBe(young);
    expect(await purgeUploads(storage.driver, { olderThan: yesterday() })).toEqual({
      deleted: 0,
      aborted: 0,
      errors: 0,
    });
  });

  it("judges a session without startedat by its newest file, and removes one without files after an hour", async () => {
    const uploads = createUploads(storage.driver).store(NAME);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(Buffer.from("x")));
    await storage.driver.delete(uploadStartedAt(NAME, uuid));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * HOUR });
    try {
      const found = await purgeUploads(storage.driver, { olderThan: new Date(Date.now() - 7 * DAY), dryRun: true });
      expect(found.deleted).toBe(1);
    } finally {
      vi.useRealTimers();
    }
    const empty = await uploads.start();
    await storage.driver.write(uploadStartedAt(NAME, empty.uuid), Buffer.from("no time"));
    expect((await purgeUploads(storage.driver, { olderThan: yesterday() })).deleted).toBe(0);
    expect((await purgeUploads(storage.driver, { olderThan: new Date(Date.now() + HOUR) })).deleted).toBe(2);
    await expectFault(storage.driver.stat(uploadDirectory(NAME, uuid)), "PATH_NOT_FOUND");
  });

  it("counts what it can't remove, and continues", async () => {
    const uuids = [
      (await startedAgo(storage.driver, 2 * DAY, NAME)).uuid,
      (await startedAgo(storage.driver, 2 * DAY, NAME)).uuid,
    ];
    const stuck = uploadDirectory(NAME, uuids[0] ?? "");
    const failing = {
      ...storage.driver,
      delete: (path: string) =>
        path === stuck ? Promise.reject(driverError("some", "delete", path, undefined)) : storage.driver.delete(path),
    };
    expect(await purgeUploads(failing, { olderThan: yesterday() })).toEqual({ deleted: 1, aborted: 0, errors: 1 });
  });

  it("does nothing if there are no repositories, and stops when it is aborted", async () => {
    expect(await purgeUploads(storage.driver, { olderThan: yesterday() })).toEqual({
      deleted: 0,
      aborted: 0,
      errors: 0,
    });
    await startedAgo(storage.driver, 2 * DAY);
    const reason = new Error("shutting down");
    await expect(purgeUploads(storage.driver, { olderThan: yesterday() }, AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
    expect((await storage.driver.list(`${REPOSITORIES_DIRECTORY}/${NAME}/_uploads`)).names).toHaveLength(1);
  });
});

describe.each(STORAGES)("purging uploads that are busy over %s", (_, open) => {
  it("leaves an old session to which a request is appending", async () => {
    const storage = await open();
    const { uuid } = await startedAgo(storage.driver, 2 * DAY);
    const uploads = createUploads(storage.driver).store(NAME);
    const held = heldBody();
    const appending = uploads.append(uuid, held.body);
    await held.send(Buffer.alloc(100_000));
    expect((await purgeUploads(storage.driver, { olderThan: yesterday() })).deleted).toBe(0);
    held.end();
    await appending;
    expect((await purgeUploads(storage.driver, { olderThan: yesterday() })).deleted).toBe(1);
    await storage.destroy();
  });
});

describe.each(OBJECT_STORAGES)("purging uploads that are busy over %s", (_, open) => {
  it("leaves an old session that has received bytes recently", async () => {
    const { driver } = await open();
    const { uuid } = await startedAgo(driver, 2 * DAY);
    await createUploads(driver)
      .store(NAME)
      .append(uuid, bodyOf(Buffer.from("x")));
    expect((await purgeUploads(driver, { olderThan: yesterday() })).deleted).toBe(0);
    expect((await purgeUploads(driver, { olderThan: new Date(Date.now() + HOUR) })).deleted).toBe(1);
  });

  it("aborts unfinished writes, including that of a blob", async () => {
    const { driver } = await open();
    const uploads = createUploads(driver).store(NAME);
    const bytes = randomBytes(500_000);
    const held = heldBody({ offset: 0, length: bytes.length });
    const committing = uploads.commit((await uploads.start()).uuid, digestBy(bytes), held.body);
    await held.send(bytes);
    const later = { olderThan: new Date(Date.now() + HOUR) };
    expect(await purgeUploads(driver, { ...later, dryRun: true })).toEqual({ deleted: 1, aborted: 1, errors: 0 });
    expect(await purgeUploads(driver, { olderThan: yesterday() })).toEqual({ deleted: 0, aborted: 0, errors: 0 });
    expect(await purgeUploads(driver, later)).toEqual({ deleted: 1, aborted: 1, errors: 0 });
    held.end();
    await committing.catch(() => undefined);
  });

  it("counts failures and successes", async () => {
    const { driver } = await open();
    await startedAgo(driver, 2 * DAY);
    const failing = {
      ...driver,
      abortUnfinished: (path: string) => Promise.reject(driverError("some", "list", path, undefined)),
    };
    expect(await purgeUploads(failing, { olderThan: yesterday() })).toEqual({ deleted: 1, aborted: 0, errors: 1 });
  });
});

const yesterday = (): Date => new Date(Date.now() - DAY);

async function startedAgo(driver: StorageDriver, age: number, name = NAME): Promise<UploadStatus> {
  return createUploads(driver, { now: () => new Date(Date.now() - age) })
    .store(name)
    .start();
}
