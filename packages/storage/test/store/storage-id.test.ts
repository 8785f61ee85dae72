import { expect, it } from "vitest";
import { describeForDrivers, encode, failureOf } from "./support.js";
import { STORAGE_ID } from "../../src/layout/paths.js";
import { storageId } from "../../src/store/storage-id.js";

describeForDrivers("what tells a storage from every other", (open) => {
  it("is created once, and the same for all callers, even concurrent ones", async () => {
    const driver = await open();
    const ids = await Promise.all(Array.from({ length: 5 }, () => storageId(driver, { settle: 50 })));
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(await storageId(driver)).toBe(ids[0]);
    expect(await storageId(await open(), { settle: 0 })).not.toBe(ids[0]);
  });

  it("isn't created by processes that may not write", async () => {
    const driver = await open();
    expect(await failureOf(storageId(driver, { create: false }))).toMatchObject({ code: "PATH_NOT_FOUND" });
    expect(await failureOf(driver.stat(STORAGE_ID))).toMatchObject({ code: "PATH_NOT_FOUND" });
  });

  it("is replaced if the file is garbled", async () => {
    const driver = await open();
    await driver.write(STORAGE_ID, encode("something else"));
    expect(await storageId(driver, { settle: 0 })).toMatch(/^[0-9a-f]{32}$/);
  });
});
