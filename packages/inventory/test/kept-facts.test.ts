import { parseRepositoryName, parseTagName, type Platform, type StorageDriver } from "@longshore/storage";
import fc from "fast-check";
import { expect, it } from "vitest";
import { weightOf, type ManifestFacts } from "../src/documents/facts.js";
import { decodeFacts, encodeFacts } from "../src/kept-facts/facts-file.js";
import type { OpenInventory } from "../src/open-inventory.js";
import { bytesOf, describeForDrivers, digestOf, plainRegistry, pushImage, start } from "./support.js";

const NAME = parseRepositoryName("team/app");
const FACTS = "/docker/registry/v2/longshore/inventory/v1/facts";
const BLOBS = "/docker/registry/v2/blobs";

/** `driver`, with the paths that are read by it. */
function observed(driver: StorageDriver): { readonly driver: StorageDriver; readonly reads: string[] } {
  const reads: string[] = [];
  const read: StorageDriver["read"] = (path, options) => (reads.push(path), driver.read(path, options));
  return { driver: { ...driver, read }, reads };
}

const namesIn = async (driver: StorageDriver, path: string): Promise<readonly string[]> =>
  (await driver.list(path).catch(() => ({ names: [] }))).names;

/** The files with facts, of all repositories. */
async function filesOf(driver: StorageDriver): Promise<readonly string[]> {
  const folders = await namesIn(driver, FACTS);
  const files = folders.map(async (folder) =>
    (await namesIn(driver, `${FACTS}/${folder}`)).map((file) => `${FACTS}/${folder}/${file}`),
  );
  return (await Promise.all(files)).flat();
}

const view = async ({ inventory }: OpenInventory): Promise<unknown> => ({
  tags: await inventory.allTags(NAME),
  manifests: await inventory.allManifests(NAME),
});

/** Lets a process of its own look at the repository, and write down what it found. */
async function lookOnce(driver: StorageDriver, id: string): Promise<unknown> {
  const looking = start(driver, id);
  const seen = await view(looking);
  await looking.close();
  return seen;
}

describeForDrivers("what processes write down of manifests", (over) => {
  it("needn't be read again by another one", () =>
    over(async (driver) => {
      const plain = plainRegistry(driver);
      const { digest } = await pushImage(plain, NAME, { layers: ["1", "2"] }, "v1");
      await pushImage(
        plain,
        NAME,
        { layers: ["3"], architecture: "arm64", subject: digest, artifactType: "a/b" },
        "v2",
      );
      const before = await lookOnce(driver, "one");
      expect(await filesOf(driver)).toHaveLength(1);
      const later = observed(driver);
      expect(await lookOnce(later.driver, "two")).toEqual(before);
      expect(later.reads.filter((path) => path.startsWith(BLOBS))).toEqual([]);
    }));

  it.each([
    ["cut off", (bytes: Uint8Array) => bytes.slice(0, -1)],
    ["empty", () => new Uint8Array()],
    ["too large", () => new Uint8Array(5 * 1024 * 1024)],
    ["changed", (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString().replace("amd64", "amd65"))],
  ])("isn't believed, and is replaced, if it is %s", (_damage, damage) =>
    over(async (driver) => {
      await pushImage(plainRegistry(driver), NAME, { layers: ["1"] }, "v1");
      const before = await lookOnce(driver, "one");
      const [file = ""] = await filesOf(driver);
      await driver.write(file, damage(await driver.read(file)));
      expect(await lookOnce(driver, "two")).toEqual(before);
      const later = observed(driver);
      expect(await lookOnce(later.driver, "three")).toEqual(before);
      expect(later.reads.filter((path) => path.startsWith(BLOBS))).toEqual([]);
    }),
  );

  it("isn't what a manifest without its config seems to be", () =>
    over(async (driver) => {
      const plain = plainRegistry(driver);
      const config = { os: "linux", architecture: "amd64", created: "2026-01-01T00:00:00Z" };
      await pushImage(plain, NAME, { layers: ["1"] }, "v1");
      const hex = digestOf(bytesOf(config)).slice("sha256:".length);
      const path = `${BLOBS}/sha256/${hex.slice(0, 2)}/${hex}/data`;
      for (const damaged of [undefined, bytesOf({ ...config, architecture: "arm64" })]) {
        if (damaged === undefined) await driver.delete(path);
        else await driver.write(path, damaged);
        let now = 0;
        const process = start(driver, "early", () => now);
        const platforms = async () =>
          (await process.inventory.allTags(NAME)).map(({ manifest }) => manifest?.platforms);
        expect(await platforms()).toEqual([[]]);
        expect(await filesOf(driver)).toEqual([]);
        await driver.write(path, bytesOf(config));
        now += 5 * 60_000;
        expect(await platforms()).toEqual([[{ os: "linux", architecture: "amd64" }]]);
        await process.close();
        expect(await filesOf(driver)).toHaveLength(1);
        await driver.delete(FACTS);
      }
    }));

  it("is small, however much small manifests share of a large config", () =>
    over(async (driver) => {
      const plain = plainRegistry(driver);
      const long = "A".repeat(300_000);
      for (let count = 0; count < 20; count += 1) {
        await pushImage(plain, NAME, { layers: [String(count)], architecture: long, artifactType: long }, `v${count}`);
      }
      const shown = JSON.stringify(await lookOnce(driver, "one"));
      expect(shown.length).toBeLessThan(100_000);
      for (const file of await filesOf(driver)) expect((await driver.read(file)).length).toBeLessThan(100_000);
    }));

  it("goes with its repository, whichever process or program removes it", () =>
    over(async (driver) => {
      const plain = plainRegistry(driver);
      for (const name of [NAME, "other", "gone"]) await pushImage(plain, name, { layers: ["1"] }, "v1");
      const one = start(driver, "one");
      expect((await one.inventory.repositories({ sort: "size" })).total).toBe(3);
      await one.close();
      expect(await filesOf(driver)).toHaveLength(3);
      const two = start(driver, "two");
      await two.registry.remove(NAME);
      expect(await filesOf(driver)).toHaveLength(2);
      // What a process finds empty, and what one doesn't find when it writes for the first time.
      await plain.remove(parseRepositoryName("other"));
      await plain.remove(parseRepositoryName("gone"));
      expect(await two.inventory.repository(parseRepositoryName("gone"))).toBeUndefined();
      await expect.poll(() => namesIn(driver, FACTS)).toEqual([]);
      await two.close();
    }));

  it("is a bounded number of files that have no more than is needed", () =>
    over(async (driver) => {
      const { registry } = start(driver, "pushing");
      const processes = [start(driver, "one"), start(driver, "two")];
      for (let count = 0; count < 12; count += 1) {
        await pushImage(registry, NAME, { layers: [String(count)] }, `v${count}`);
        await Promise.all(processes.map(view));
      }
      await Promise.all(processes.map((each) => each.close()));
      const files = await filesOf(driver);
      expect(files.length).toBeLessThanOrEqual(9);
      const later = observed(driver);
      await lookOnce(later.driver, "three");
      expect(later.reads.filter((path) => path.startsWith(BLOBS)).length).toBeLessThanOrEqual(2);

      const tags = registry.repository(NAME).tags;
      for (let count = 1; count < 12; count += 1) {
        const digest = await tags.resolve(parseTagName(`v${count}`));
        await registry.repository(NAME).manifests.delete(digest);
      }
      await pushImage(registry, NAME, { layers: ["new"] }, "new");
      await lookOnce(driver, "four");
      const facts: ManifestFacts[] = [];
      for (const file of await filesOf(driver)) facts.push(...(decodeFacts(await driver.read(file)) ?? []));
      expect(new Set(facts.map(({ digest }) => digest)).size).toBeLessThanOrEqual(4);
    }));
});

it("is the same when it is read as when it was written, and no longer than its weight", () => {
  const digest = fc.constantFrom(...["a", "b", "c", "d"].map((text) => digestOf(bytesOf(text))));
  const parts = fc.array(fc.record({ digest, size: fc.nat() }), { maxLength: 4 });
  const platform: fc.Arbitrary<Platform> = fc.record(
    { os: fc.string(), architecture: fc.string(), variant: fc.string(), "os.features": fc.array(fc.string()) },
    { requiredKeys: ["os", "architecture"] },
  );
  const facts: fc.Arbitrary<ManifestFacts> = fc.record({
    digest,
    mediaType: fc.string(),
    artifactType: fc.option(fc.string(), { nil: undefined }),
    bytes: fc.nat(),
    blobs: parts,
    children: parts,
    platforms: fc.array(platform, { maxLength: 2 }),
    created: fc.option(fc.integer(), { nil: undefined }),
    subject: fc.option(digest, { nil: undefined }),
    isFinal: fc.constant(true),
  });
  fc.assert(
    fc.property(fc.array(facts, { maxLength: 5 }), (all) => {
      const bytes = encodeFacts(all);
      expect(decodeFacts(bytes)).toEqual(all);
      expect(bytes.length).toBeLessThanOrEqual(100 + all.reduce((sum, each) => sum + weightOf(each), 0));
    }),
  );
});

it.each([
  "",
  "{}",
  "[]",
  "null",
  '{"words":[],"facts":[{}]}',
  '{"words":["a"],"facts":[{"digest":0,"mediaType":0,"bytes":1,"blobs":[],"children":[],"platforms":[]}]}',
])("is nothing if it is %j", (text) => {
  expect(decodeFacts(bytesOf(text))).toBeUndefined();
});
