import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDriver, driverNames } from "../../src/drivers/factory.js";
import { parseFilesystemParameters } from "../../src/drivers/filesystem/parameters.js";
import { temporaryDirectory } from "./temporary.js";

describe("createDriver", () => {
  let root: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    ({ path: root, remove } = await temporaryDirectory());
  });
  afterEach(() => remove());

  it("makes the drivers that there are from a configuration's parameters", async () => {
    expect(driverNames()).toEqual(["filesystem", "s3", "s3aws", "inmemory"]);
    for (const parameters of [undefined, null, {}, { whatever: 1 }]) {
      expect((await createDriver("inmemory", parameters)).name).toBe("inmemory");
    }
    const driver = await createDriver("filesystem", { rootdirectory: root, maxthreads: "30" });
    await driver.write("/a", Buffer.from("x"));
    expect((await driver.list("/")).names).toEqual(["a"]);
    await driver.close();
  });

  it.each(["gcs", "azure", "swift", "oss"])("refuses %s by name", async (type) => {
    await expect(createDriver(type, {})).rejects.toMatchObject({
      name: "DriverParameterError",
      driver: type,
      message: `the storage driver "${type}" is not available in this version; available are: filesystem, s3, s3aws, inmemory`,
    });
  });

  it("refuses what is no driver in the original's words", async () => {
    await expect(createDriver("toString", {})).rejects.toThrow("StorageDriver not registered: toString");
  });
});

describe("the filesystem driver's parameters", () => {
  it("have the original's defaults", () => {
    for (const nothing of [undefined, null, {}]) {
      expect(parseFilesystemParameters(nothing)).toMatchObject({ rootDirectory: "/var/lib/registry", maxThreads: 100 });
    }
  });
  it("take any scalar as root", () => {
    expect(parseFilesystemParameters({ rootdirectory: 5000 }).rootDirectory).toBe("5000");
    expect(() => parseFilesystemParameters({ rootdirectory: ["/a"] })).toThrow("rootdirectory config error");
  });
  it.each([
    [100, 100],
    [24, 25],
    [0, 25],
    [-5, 25],
    ["200", 200],
    ["7", 25],
    ["0x20", 32],
  ])("maxthreads %s is %i", (given, threads) => {
    expect(parseFilesystemParameters({ maxthreads: given }).maxThreads).toBe(threads);
  });
  it.each([
    ["many", "maxthreads config error: parameter must be an integer, 'many' invalid"],
    ["-1", "maxthreads config error: parameter must be an integer, '-1' invalid"],
    [true, "maxthreads config error: invalid value 'true'"],
    [1.5, "maxthreads config error: invalid value '1.5'"],
    [{}, "maxthreads config error: invalid value '{}'"],
  ])("maxthreads %j is refused", (given, message) => {
    expect(() => parseFilesystemParameters({ maxthreads: given })).toThrow(message);
  });
  it("bounds what is ours", () => {
    expect(() => parseFilesystemParameters({ buffersize: 1 })).toThrow(
      "buffersize config error: invalid value 1, must be from 65536 to 16777216",
    );
    expect(parseFilesystemParameters({ filecache: "0", namecache: 0 })).toMatchObject({ fileCache: 0, nameCache: 0 });
  });
});
