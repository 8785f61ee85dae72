import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { REPOSITORIES_DIRECTORY, uploadDirectory, uploadStartedAt } from "../../src/layout/paths.js";
import type { RepositoryName } from "../../src/model/repository-name.js";
import { purgeUploads } from "../../src/store/upload-purge.js";
import { createUploads } from "../../src/store/uploads.js";
import { expectFault } from "../contract/driver-contract.js";
import { bodyOf, heldBody, NAME, OTHER, STORAGES, type TestStorage } from "./support.js";

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

describe.each(STORAGES)("purging uploads over %s", (_, open) => {
  let storage: TestStorage;
  beforeEach(async () => {
    storage = await open();
  });
  afterEach(() => storage.destroy());

  const startedAgo = async (name: RepositoryName, age: number): Promise<string> => {
    const at = createUploads(storage.driver, { now: () => new Date(Date.now() - age) });
    return (await at.store(name).start()).uuid;
  };
  const yesterday = (): Date => new Date(Date.now() - DAY);

  it("removes old sessions of every repository, and leaves young ones", async () => {
    const old = [await startedAgo(NAME, 2 * DAY), await startedAgo(OTHER, 25 * HOUR)];
    const young = await startedAgo(NAME, 23 * HOUR);
    expect(await purgeUploads(storage.driver, { olderThan: yesterday(), dryRun: true })).toEqual({
      deleted: 2,
      errors: 0,
    });
    expect(await purgeUploads(storage.driver, { olderThan: yesterday() })).toEqual({ deleted: 2, errors: 0 });
    const uploads = createUploads(storage.driver);
    await expectFault(uploads.store(NAME).status(old[0] ?? ""), "UPLOAD_UNKNOWN");
    await expectFault(uploads.store(OTHER).status(old[1] ?? ""), "UPLOAD_UNKNOWN");
    expect((await uploads.store(NAME).status(young)).uuid).toBe(young);
    expect(await purgeUploads(storage.driver, { olderThan: yesterday() })).toEqual({ deleted: 0, errors: 0 });
  });

  it("leaves an old session that a request is adding to", async () => {
    const uuid = await startedAgo(NAME, 2 * DAY);
    const uploads = createUploads(storage.driver).store(NAME);
    const held = heldBody();
    const appending = uploads.append(uuid, held.body);
    await held.send(Buffer.alloc(100_000));
    expect((await purgeUploads(storage.driver, { olderThan: yesterday() })).deleted).toBe(0);
    held.end();
    await appending;
    expect((await purgeUploads(storage.driver, { olderThan: yesterday() })).deleted).toBe(1);
  });

  it("judges one without a readable startedat by its newest file", async () => {
    const uploads = createUploads(storage.driver).store(NAME);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(Buffer.from("x")));
    await storage.driver.delete(uploadStartedAt(NAME, uuid));
    const empty = await uploads.start();
    await storage.driver.write(uploadStartedAt(NAME, empty.uuid), Buffer.from("no time"));
    expect((await purgeUploads(storage.driver, { olderThan: yesterday() })).deleted).toBe(0);
    expect((await purgeUploads(storage.driver, { olderThan: new Date(Date.now() + HOUR) })).deleted).toBe(2);
    await expectFault(storage.driver.stat(uploadDirectory(NAME, uuid)), "PATH_NOT_FOUND");
  });

  it("counts what it can't remove, and goes on", async () => {
    const uuids = [await startedAgo(NAME, 2 * DAY), await startedAgo(NAME, 2 * DAY)];
    const stuck = uploadDirectory(NAME, uuids[0] ?? "");
    const failing = {
      ...storage.driver,
      delete: async (path: string) =>
        path === stuck ? storage.driver.write(`${path}/data/x`, Buffer.from("")) : storage.driver.delete(path),
    };
    expect(await purgeUploads(failing, { olderThan: yesterday() })).toEqual({ deleted: 1, errors: 1 });
  });

  it("does nothing where there are no repositories, and stops when it is told", async () => {
    expect(await purgeUploads(storage.driver, { olderThan: yesterday() })).toEqual({ deleted: 0, errors: 0 });
    await startedAgo(NAME, 2 * DAY);
    const reason = new Error("shutting down");
    await expect(purgeUploads(storage.driver, { olderThan: yesterday() }, AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
    expect((await storage.driver.list(`${REPOSITORIES_DIRECTORY}/${NAME}/_uploads`)).names).toHaveLength(1);
  });
});
