import { describe, expect, it } from "vitest";
import { expectFault } from "../contract/driver-contract.js";
import { createInMemoryObjectStorage } from "./in-memory-object-storage.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What the fake must have in common with real object storage for tests over it to be meaningful. */
describe("the fake of object storage", () => {
  it("shows a file once it is committed, and counts requests for parts of one that isn't", async () => {
    const { driver, unfinished, counts } = createInMemoryObjectStorage({ partSize: 4 });
    const writer = await driver.writer("/a/b");
    await writer.write(bytes("0123456789"));
    await expectFault(driver.stat("/a/b"), "PATH_NOT_FOUND");
    expect(unfinished()).toEqual(["/a/b"]);
    await writer.commit();
    expect(unfinished()).toEqual([]);
    expect(Buffer.from(await driver.read("/a/b")).toString()).toBe("0123456789");
    expect(counts()).toMatchObject({ CreateMultipartUpload: 1, UploadPart: 3, CompleteMultipartUpload: 1 });
    const left = await driver.writer("/a/c");
    await left.write(bytes("0123456789"));
    await left.close();
    expect(await driver.abortUnfinished("/a", new Date(Date.now() + 1000), { dryRun: true })).toEqual({ aborted: 1 });
    expect(await driver.abortUnfinished("/a", new Date(Date.now() + 1000))).toEqual({ aborted: 1 });
    expect(unfinished()).toEqual([]);
    expect((await driver.list("/a")).names).toEqual(["b"]);
  });

  it("refuses to compose sources that are too small, of another size, or missing", async () => {
    const { driver } = createInMemoryObjectStorage({ smallestPart: 3 });
    await driver.write("/abc", bytes("abc"));
    await driver.write("/d", bytes("d"));
    const [abc, d] = [
      { path: "/abc", size: 3 },
      { path: "/d", size: 1 },
    ];
    await driver.compose([abc, d], "/all");
    expect(Buffer.from(await driver.read("/all")).toString()).toBe("abcd");
    await expectFault(driver.compose([d, abc], "/all"), "DRIVER_ERROR");
    await expectFault(driver.compose([{ path: "/abc", size: 4 }], "/all"), "DRIVER_ERROR");
    await expectFault(driver.compose([{ path: "/x", size: 4 }], "/all"), "PATH_NOT_FOUND");
    expect(Buffer.from(await driver.read("/all")).toString()).toBe("abcd");
  });

  it.each([true, false])("writes by version (conditional writes: %s)", async (conditionalWrites) => {
    const { driver } = createInMemoryObjectStorage({ conditionalWrites });
    expect(await driver.writeVersioned("/a", bytes("1"), undefined)).toEqual({ written: true });
    const { version } = await driver.readVersioned("/a");
    const both = await Promise.all(["2", "3"].map((text) => driver.writeVersioned("/a", bytes(text), version)));
    expect(both.filter(({ written }) => written)).toHaveLength(conditionalWrites ? 1 : 2);
    expect(await driver.writeVersioned("/a", bytes("4"), undefined)).toEqual({ written: !conditionalWrites });
  });

  it("has only directories with content, and counts a listing to find them", async () => {
    const { driver, reset, requests } = createInMemoryObjectStorage();
    await driver.write("/d/e/f", bytes("x"));
    expect(await driver.stat("/d/e")).toMatchObject({ isDirectory: true });
    reset();
    await expectFault(driver.stat("/d/e", { fileOnly: true }), "PATH_NOT_FOUND");
    await driver.delete("/d/e/f", { fileOnly: true });
    await driver.delete("/d/e/f", { fileOnly: true });
    expect(requests).toEqual(["HeadObject /d/e", "DeleteObjects /d/e/f", "DeleteObjects /d/e/f"]);
    await expectFault(driver.list("/d"), "PATH_NOT_FOUND");
    await expectFault(driver.delete("/d"), "PATH_NOT_FOUND");
  });
});
