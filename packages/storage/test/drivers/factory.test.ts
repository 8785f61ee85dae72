import { mkdir, rmdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { chooseDriver, createDriver, driverNames } from "../../src/drivers/factory.js";

describe("createDriver", () => {
  let root: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    ({ path: root, remove } = await makeTemporaryFolder("storage"));
  });
  afterEach(() => remove());

  it("creates each driver from a configuration's parameters", async () => {
    expect(driverNames()).toEqual(["filesystem", "inmemory", "s3", "s3aws", "azure", "gcs"]);
    for (const parameters of [undefined, null, {}, { whatever: 1 }]) {
      expect((await createDriver("inmemory", parameters)).name).toBe("inmemory");
    }
    const driver = await createDriver("filesystem", { rootdirectory: root, maxthreads: "30" });
    await driver.write("/a", Buffer.from("x"));
    expect((await driver.list("/")).names).toEqual(["a"]);
    await driver.close();
  });

  it.each(["swift", "oss"])("refuses %s by name", async (type) => {
    await expect(createDriver(type, {})).rejects.toMatchObject({
      name: "DriverParameterError",
      driver: type,
      message: `the storage driver "${type}" is not available in this version; available are: filesystem, inmemory, s3, s3aws, azure, gcs`,
    });
  });

  it("refuses an unknown driver with Distribution's message", async () => {
    await expect(createDriver("toString", {})).rejects.toThrow("StorageDriver not registered: toString");
  });
});

describe("the filesystem driver's options", () => {
  it("have Distribution's defaults", () => {
    for (const nothing of [undefined, null, {}]) {
      expect(chooseDriver("filesystem", nothing).options).toMatchObject({
        rootdirectory: "/var/lib/registry",
        maxthreads: 100,
      });
    }
  });

  it.each([
    [100, 100],
    [-5, -5],
    ["200", 200],
    ["0x20", 32],
  ])("maxthreads %s is %i", (given, threads) => {
    expect(chooseDriver("filesystem", { maxthreads: given }).options["maxthreads"]).toBe(threads);
  });

  it.each<readonly [string, unknown]>([
    ["maxthreads", "many"],
    ["maxthreads", true],
    ["maxthreads", 1.5],
    ["maxthreads", {}],
    ["rootdirectory", ["/a"]],
    ["buffersize", 1],
    ["buffersize", "16777217"],
  ])("%s %j is refused", (option, given) => {
    const choose = () => chooseDriver("filesystem", { [option]: given });
    expect(choose).toThrow(expect.objectContaining({ name: "DriverParameterError", parameter: option }));
  });

  it("can disable the caches", () => {
    const { options } = chooseDriver("filesystem", { filecache: "0", namecache: 0 });
    expect(options).toMatchObject({ filecache: 0, namecache: 0 });
  });
});

describe("the root directory", () => {
  const request = { remote: false, patience: 0, now: new Date() };

  it("causes a warning on a case-insensitive file system", async () => {
    await using folder = await makeTemporaryFolder("case");
    const root = chooseDriver("filesystem", { rootdirectory: folder.path });
    await mkdir(join(folder.path, "docker"));
    expect(await root.verify(request)).toEqual([]);
    await mkdir(join(folder.path, "DOCKER"));
    expect(await root.verify(request)).toEqual([]);
    await rmdir(join(folder.path, "DOCKER"));
    // No file system here is case-insensitive: a link simulates one.
    await symlink("docker", join(folder.path, "DOCKER"));
    expect(await root.verify(request)).toEqual([
      { severity: "warning", path: ["rootdirectory"], message: expect.stringContaining("ignores case") as string },
    ]);
  });
});
