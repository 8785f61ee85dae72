import { mkdirSync } from "node:fs";
import { mkdtemp, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { StorageDriver } from "../../src/contract/driver.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { StorageError } from "../../src/errors.js";
import { collectGarbage } from "../../src/gc/collect.js";
import type { CollectOptions } from "../../src/gc/options.js";
import { bucketFile, bucketOf } from "../../src/gc/run.js";
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

it("doesn't take a repository for done whose marks couldn't be written", async () => {
  const driver = createInMemoryDriver();
  const layer = await storeImage(driver);
  // So many that some are noted as done on the way.
  for (let number = 0; number < 64; number += 1) await putBlob(driver, parseRepositoryName(`z/${number}`), "other");
  // Stands for a disk with no room for this file, and with some for the small ones.
  const blocked = join(workDirectory, bucketFile("marks", bucketOf(layer)));
  await expect(run(driver, { observer: { line: () => mkdirSync(blocked, { recursive: true }) } })).rejects.toThrow(
    "failed to mark",
  );
  await rmdir(blocked);
  await run(driver);
  expect(await hasBytes(driver, layer)).toBe(true);
});

it("goes on behind a line that a full disk has cut off", async () => {
  const driver = createInMemoryDriver();
  const layer = await storeImage(driver);
  const stop = new AbortController();
  const line = (): void => stop.abort(new Error("stop"));
  await expect(run(driver, { signal: stop.signal, observer: { line } })).rejects.toThrow("stop");
  await writeFile(join(workDirectory, bucketFile("marks", bucketOf(layer))), "sha256:0123");
  expect(await run(driver)).toMatchObject({ resumed: true });
  expect(await hasBytes(driver, layer)).toBe(true);
});

it("removes nothing where a tag can't be read", async () => {
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
