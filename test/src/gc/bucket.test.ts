import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createDriver, isStorageError, type StorageDriver } from "@longshore/storage";
import { describe, expect, it } from "vitest";
import { writeStore } from "../bench/gc/store.js";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { s3Parameters, startS3Server, type S3Kind } from "@longshore/testkit/s3/server";
import { PROGRAM } from "@longshore/testkit/project";

const ROOT = "docker/registry/v2";

/** Starting a server, and some collections that wait for every registry to see their lock. */
const PATIENCE = 240_000;

/** Copies what is below `root` into the bucket; tells how many blobs there are. */
async function copyInto(driver: StorageDriver, root: string): Promise<number> {
  const entries = await readdir(join(root, ROOT), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files) await driver.write(file.slice(root.length), await readFile(file));
  return files.filter((file) => file.endsWith("/data")).length;
}

async function namesBelow(driver: StorageDriver, directory: string): Promise<readonly string[]> {
  try {
    return (await driver.list(directory, { limit: 10_000 })).names;
  } catch (error) {
    if (isStorageError(error, "PATH_NOT_FOUND")) return [];
    throw error;
  }
}

async function blobsIn(driver: StorageDriver): Promise<number> {
  let count = 0;
  for (const bucket of await namesBelow(driver, `/${ROOT}/blobs/sha256`)) {
    count += (await namesBelow(driver, `/${ROOT}/blobs/sha256/${bucket}`)).length;
  }
  return count;
}

/** Without the order in which repositories' blobs come: it is the bytes' on disk and in the bucket alike. */
const linesOf = (output: string): readonly string[] => output.split("\n").sort();

function declareCollection(kind: S3Kind): void {
  it(
    "says what it says of the same files on a disk, and removes the same",
    async () => {
      await using folder = await makeTemporaryFolder("gc-bucket");
      await using server = await startS3Server(kind);
      const root = join(folder.path, "files");
      await mkdir(root);
      writeStore(root, { images: 40, layers: 2, garbage: 10, repositories: 4 });
      const parameters = s3Parameters(server, await server.newBucket());
      const driver = await createDriver("s3", parameters);
      try {
        const blobs = await copyInto(driver, root);
        // S3 tells times in whole seconds, and what changed in the second of the start is young even without a grace period.
        const copied = Date.now();
        await expect.poll(() => Date.now(), { interval: 100 }).toBeGreaterThan(copied + 2000);
        const configs = { disk: `${folder.path}/disk.yml`, bucket: `${folder.path}/bucket.yml` };
        const disk = { filesystem: { rootdirectory: root } };
        await writeFile(configs.disk, JSON.stringify({ version: 0.1, storage: disk }));
        await writeFile(configs.bucket, JSON.stringify({ version: 0.1, storage: { s3: parameters } }));
        const collect = (config: string, ...flags: string[]) =>
          run(process.execPath, [PROGRAM, "garbage-collect", "--grace-period", "0s", ...flags, config]);

        const dry = await collect(configs.bucket, "-m", "-d");
        expect(linesOf(dry.stdout)).toEqual(linesOf((await collect(configs.disk, "-m", "-d")).stdout));
        expect(await blobsIn(driver)).toBe(blobs);

        const expected = await collect(configs.disk, "-m");
        // Two at once: one of them does it, and the other says who does.
        const both = await Promise.allSettled([collect(configs.bucket, "-m"), collect(configs.bucket, "-m")]);
        const done = both.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
        expect(done).toHaveLength(1);
        expect(linesOf(done[0]?.stdout ?? "")).toEqual(linesOf(expected.stdout));
        const refused = both.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
        expect(refused.join()).toMatch(
          /failed to garbage collect: failed to mark: process \d+ on \S+ collects over this/,
        );

        const left = await readdir(join(root, ROOT, "blobs"), { recursive: true });
        expect(await blobsIn(driver)).toBe(left.filter((name) => name.endsWith("/data")).length);
        expect(await blobsIn(driver)).toBeLessThan(blobs);
        expect(await namesBelow(driver, `/${ROOT}/longshore/collector`)).toEqual([]);
      } finally {
        await driver.close();
      }
    },
    PATIENCE,
  );
}

describe("registry garbage-collect over a bucket of the stand-in", () => declareCollection("stand-in"));
describePeers("registry garbage-collect over a bucket of Ceph", ["ceph"], () => declareCollection("ceph"));
