import { mkdtemp, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Registry } from "../../src/contract/registry.js";
import { createDriver } from "../../src/drivers/factory.js";
import { blobData, layerLink } from "../../src/layout/paths.js";
import { digestOf } from "../../src/model/digest.js";
import { parseRepositoryName } from "../../src/model/repository-name.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { chosen } from "./support.js";

const NAME = parseRepositoryName("a");
const BYTES = Buffer.from("a blob that nobody has looked at for long");
const DIGEST = digestOf(BYTES, "sha256");
const LONG_AGO = new Date("2020-01-01T00:00:00Z");

let folder: string;
let registry: Registry;
let close: () => Promise<void>;
const modified = async (): Promise<Date> => (await stat(join(folder, blobData(DIGEST)))).mtime;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "longshore-keep-"));
  const below = await createDriver("filesystem", { rootdirectory: folder });
  const redirect = chosen("redirect", { baseurl: "https://cdn.example" });
  const driver = await redirect.apply(below, { warn: () => undefined });
  await driver.write(blobData(DIGEST), BYTES);
  await driver.write(layerLink(NAME, DIGEST), Buffer.from(DIGEST));
  await utimes(join(folder, blobData(DIGEST)), LONG_AGO, LONG_AGO);
  registry = openRegistry(driver);
  close = () => driver.close();
});

afterEach(async () => {
  await close();
  await rm(folder, { recursive: true, force: true });
});

it("leases a blob for a redirected client, which may also skip the blob in a push", async () => {
  const { blobs } = registry.repository(NAME);
  await blobs.redirectUrl(DIGEST, { method: "GET" });
  expect(await modified()).toEqual(LONG_AGO);
  expect(await blobs.redirectUrl(DIGEST, { method: "HEAD" }, { keep: true })).toMatch(/^https:\/\/cdn\.example\//);
  expect((await modified()).getTime()).toBeGreaterThan(Date.now() - 60_000);
});
