import { startS3Server, type S3Server } from "@longshore/testkit/s3/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { RecordStore } from "../../../src/contract/records.js";
import { openRecords } from "../../../src/store/records/open-records.js";
import { driverOn } from "../../drivers/s3-subject.js";
import { describeForDrivers, encode, failureOf } from "../support.js";

async function namesOf(records: RecordStore, folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of records.list(folder)) names.push(name);
  return names;
}

const textOf = async (records: RecordStore, name: string): Promise<string | undefined> => {
  const record = await records.read(name);
  return record === undefined ? undefined : Buffer.from(record.value).toString();
};

/** What records do on every storage. Each call of `open` gives another process's view of the same storage. */
function recordsContract(open: () => Promise<() => RecordStore>): void {
  it("are created by exactly one of several writers", async () => {
    const view = await open();
    const created = await Promise.all(
      Array.from({ length: 8 }, (_, index) => view().create("keys/signing", encode(`by ${index}`))),
    );
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(await textOf(view(), "keys/signing")).toBe(`by ${created.indexOf(true)}`);
    expect(await view().create("keys/signing", encode("again"))).toBe(false);
  });

  it("are replaced, from the version that was read, by exactly one of several writers", async () => {
    const view = await open();
    await view().create("a", encode("0"));
    for (let round = 1; round <= 5; round += 1) {
      const before = await view().read("a");
      const replaced = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          view().replace("a", encode(`${round}.${index}`), before?.version ?? ""),
        ),
      );
      expect(replaced.filter(Boolean)).toHaveLength(1);
      expect(await textOf(view(), "a")).toBe(`${round}.${replaced.indexOf(true)}`);
    }
    expect(await view().replace("a", encode("late"), "1")).toBe(false);
    expect(await view().replace("b", encode("none"), "1")).toBe(false);
  });

  it("stay removed: no earlier change restores them", async () => {
    const view = await open();
    await view().create("tokens/one", encode("x"));
    const before = await view().read("tokens/one");
    await view().remove("tokens/one");
    await view().remove("tokens/one");
    expect(await view().read("tokens/one")).toBeUndefined();
    expect(await view().replace("tokens/one", encode("y"), before?.version ?? "")).toBe(false);
    expect(await namesOf(view(), "tokens")).toEqual([]);
    expect(await view().create("tokens/one", encode("new"))).toBe(true);
    expect(await view().replace("tokens/one", encode("y"), before?.version ?? "")).toBe(false);
    expect(await textOf(view(), "tokens/one")).toBe("new");
  });

  it("are listed below their folder, including empty values, and not outside it", async () => {
    const view = await open();
    for (const name of ["t/b", "t/a", "t/deep/er", "t", "u/x"]) await view().create(name, encode(""));
    expect([...(await namesOf(view(), "t"))].sort()).toEqual(["t/a", "t/b", "t/deep/er"]);
    expect(await textOf(view(), "t")).toBe("");
    expect(await namesOf(view(), "nothing")).toEqual([]);
  });

  it("can't have names outside their folder", async () => {
    const records = (await open())();
    for (const name of ["", "..", "a/../b", "/a", "a/", "A", "a b", "a.record", "a\0"]) {
      expect(await failureOf(records.read(name)), name).toMatchObject({ code: "INVALID_PATH" });
    }
  });
}

describeForDrivers("records", (open) => {
  recordsContract(async () => {
    const driver = await open();
    return () => openRecords(driver);
  });
});

describe("records over object storage", () => {
  let server: S3Server | undefined;
  const drivers: StorageDriver[] = [];
  beforeAll(async () => {
    server = await startS3Server("stand-in");
  });
  afterAll(async () => {
    for (const driver of drivers) await driver.close();
    await server?.stop();
  });
  recordsContract(async () => {
    if (server === undefined) throw new Error("the server has not started");
    const driver = await driverOn(server, {});
    drivers.push(driver);
    return () => openRecords(driver);
  });
});
