import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { UploadStore } from "../../../src/contract/upload-store.js";
import { uploadDirectory } from "../../../src/layout/paths.js";
import { purgeUploads } from "../../../src/store/uploads/purge.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { expectFault } from "../../contract/driver-contract.js";
import { bodyOf, digestBy, expectBlob, NAME, objectStorage, STORAGES, type TestStorage } from "./support.js";

const UNKNOWN = "0198d2a4-0000-7000-8000-000000000000";

describe.each(STORAGES)("Distribution's sessions over %s", (_, open) => {
  let storage: TestStorage;
  let uploads: UploadStore;
  let elsewhere: UploadStore;
  beforeEach(async () => {
    storage = await open();
    uploads = createUploads(storage.driver).store(NAME);
    elsewhere = createUploads(storage.another()).store(NAME);
  });
  afterEach(() => storage.destroy());

  it("can be continued", async () => {
    const directory = uploadDirectory(NAME, UNKNOWN);
    await storage.driver.write(`${directory}/startedat`, Buffer.from("2026-11-23T02:30:40Z"));
    await storage.driver.write(`${directory}/hashstates/sha256/5`, randomBytes(108));
    await storage.driver.write(`${directory}/data`, Buffer.from("12345"));
    expect(await uploads.status(UNKNOWN)).toMatchObject({ size: 5, startedAt: new Date("2026-11-23T02:30:40Z") });
    await uploads.append(UNKNOWN, { ...bodyOf(Buffer.from("6")), offset: 5 });
    await uploads.commit(UNKNOWN, digestBy(Buffer.from("123456")), undefined);
    await expectBlob(storage.driver, digestBy(Buffer.from("123456")), Buffer.from("123456"));
  });

  it("can be continued if there is no data yet, by several requests at once", async () => {
    const directory = uploadDirectory(NAME, UNKNOWN);
    await storage.driver.write(`${directory}/startedat`, Buffer.from(""));
    await storage.driver.write(`${directory}/hashstates/sha256/0`, randomBytes(108));
    expect((await uploads.status(UNKNOWN)).size).toBe(0);
    const results = await Promise.allSettled(
      [uploads, elsewhere].map((store) => store.append(UNKNOWN, { ...bodyOf(Buffer.from("123")), offset: 0 })),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await uploads.commit(UNKNOWN, digestBy(Buffer.from("123")), undefined);
  });
});

describe("Distribution's sessions over object storage", () => {
  it("are unknown, since their bytes are in a multipart upload that nothing references, and are purged", async () => {
    const { driver } = objectStorage();
    const uploads = createUploads(driver).store(NAME);
    await driver.write(`${uploadDirectory(NAME, UNKNOWN)}/startedat`, Buffer.from("2026-11-23T02:30:40Z"));
    const original = await driver.writer(`${uploadDirectory(NAME, UNKNOWN)}/data`);
    await original.write(randomBytes(300_000));
    await expectFault(uploads.status(UNKNOWN), "UPLOAD_UNKNOWN");
    await expectFault(uploads.append(UNKNOWN, bodyOf(Buffer.from("6"))), "UPLOAD_UNKNOWN");
    await expectFault(uploads.cancel(UNKNOWN), "UPLOAD_UNKNOWN");
    const purged = await purgeUploads(driver, { olderThan: new Date("2036-11-23T02:30:40Z") });
    expect(purged).toEqual({ deleted: 1, aborted: 1, errors: 0 });
    await expectFault(driver.list(uploadDirectory(NAME, UNKNOWN)), "PATH_NOT_FOUND");
  });
});
