import { mkdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { StorageDriver } from "../../src/contract/driver.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { StorageError } from "../../src/errors.js";
import { collectGarbage } from "../../src/gc/collect.js";
import type { CollectOptions } from "../../src/gc/options.js";
import { bucketFile, bucketOf } from "../../src/gc/run-state.js";
import type { Digest } from "../../src/model/digest.js";
import { parseRepositoryName } from "../../src/model/repository-name.js";
import { putBlob, putOriginal } from "../store/support.js";
import { AT_ONCE, hasBytes, imageOf } from "./support.js";

const name = parseRepositoryName("library/alpine");
let workDirectory: string;

beforeEach(async () => {
  workDirectory = await mkdtemp(join(tmpdir(), "longshore-work-"));
});
afterEach(() => rm(workDirectory, { recursive: true, force: true }));

async function storeImage(driver: StorageDriver): Promise<Digest> {
  const layer = await putBlob(driver, name, "layer");
  await putOriginal(driver, name, imageOf(await putBlob(driver, name, "config"), [layer]), "v1");
  return layer;
}

const run = (driver: StorageDriver, options: Partial<CollectOptions> = {}) =>
  collectGarbage(driver, { grace: AT_ONCE, workDirectory, ...options });

it("removes nothing if marks can't be written", async () => {
  const driver = createInMemoryDriver();
  const layer = await storeImage(driver);
  // Simulates a disk without room for this file.
  const blocked = join(workDirectory, bucketFile("marks", bucketOf(layer)));
  await expect(run(driver, { observer: { line: () => mkdirSync(blocked, { recursive: true }) } })).rejects.toThrow(
    "failed to mark",
  );
  expect(await hasBytes(driver, layer)).toBe(true);
});

it("trusts nothing in its work directory", async () => {
  const driver = createInMemoryDriver();
  const layer = await storeImage(driver);
  await writeFile(join(workDirectory, bucketFile("candidates", bucketOf(layer))), `${layer} 5\n`);
  await run(driver);
  expect(await hasBytes(driver, layer)).toBe(true);
});

it("removes nothing if a tag can't be read", async () => {
  const driver = createInMemoryDriver();
  const layer = await storeImage(driver);
  const sick: StorageDriver = {
    ...driver,
    read: (path, options) =>
      path.endsWith("/tags/v1/current/link")
        ? Promise.reject(new StorageError({ code: "DRIVER_ERROR", driver: "inmemory", operation: "read", path }))
        : driver.read(path, options),
  };
  await expect(run(sick, { deleteUntagged: { age: AT_ONCE } })).rejects.toThrow("failed to mark");
  expect(await hasBytes(driver, layer)).toBe(true);
});
