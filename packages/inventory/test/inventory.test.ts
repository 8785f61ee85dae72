import { orUndefined, parseRepositoryName, parseTagName, type StorageDriver } from "@longshore/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InventoryPage, InventoryQuery, TagSort, UsageProgress } from "../src/contract.js";
import { CursorError } from "../src/errors.js";
import type { OpenInventory } from "../src/open-inventory.js";
import { pageOf, placesOf } from "../src/lists/page.js";
import { versionKey } from "../src/lists/version-key.js";
import { bytesOf, describeForDrivers, digestOf, plainRegistry, push, pushImage, start } from "./support.js";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const NAME = parseRepositoryName("team/app");

interface Sized {
  readonly name: string;
  readonly size: number;
}

/** Follows `next` to the end. */
async function allPages<T>(page: (after: string | undefined) => Promise<InventoryPage<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const { items: some, next } = await page(after);
    items.push(...some);
    after = next;
  } while (after !== undefined);
  return items;
}

describeForDrivers("an inventory", (over) => {
  it("says how far it is while it reads a large repository, and stops when nobody waits", () =>
    over(async (driver) => {
      const registry = plainRegistry(driver);
      for (let number = 0; number < 600; number++) await push(registry, NAME, String(number));
      const seen: UsageProgress[] = [];
      const { inventory } = start(driver, "one");
      await inventory.usage("", { onProgress: (progress) => void seen.push(progress) });
      const within = seen.filter(({ manifestsDone }) => manifestsDone !== undefined);
      expect(within.map(({ name, manifestsDone, manifestsTotal }) => [name, manifestsDone, manifestsTotal])).toEqual([
        [NAME, 0, 600],
        [NAME, 256, 600],
        [NAME, 512, 600],
      ]);
      expect(seen.every(({ done, total }) => done === 0 && total === 1)).toBe(true);

      const stop = new AbortController();
      let reads = 0;
      const read: StorageDriver["read"] = (path, options) => ((reads += 1), driver.read(path, options));
      const { inventory: other } = start({ ...driver, read }, "two");
      const onProgress = (progress: UsageProgress): void => {
        if (progress.manifestsDone === 256) stop.abort(new Error("enough"));
      };
      // Nothing is known beforehand.
      await orUndefined(driver.delete("/docker/registry/v2/longshore/inventory/v1/facts"));
      await expect(other.usage("", { signal: stop.signal, onProgress })).rejects.toThrow("enough");
      await new Promise((resolve) => setImmediate(resolve));
      expect(reads).toBeLessThan(550);
    }));

  it("shows the first repositories before all are known, and goes on from there", () =>
    over(async (driver) => {
      const registry = plainRegistry(driver);
      const names = Array.from({ length: 60 }, (_, number) => `team/app-${100 + number}`);
      for (const name of names) await push(registry, name, name, "1");
      let lists = 0;
      const list: StorageDriver["list"] = (path, options) => ((lists += 1), driver.list(path, options));
      const { inventory } = start({ ...driver, list });
      const first = await inventory.firstRepositories({ limit: 3 });
      expect(first.items.map(({ name, tags }) => [name, tags])).toEqual(names.slice(0, 3).map((name) => [name, 1]));
      expect(first.total).toBeUndefined();
      expect(lists).toBeLessThan(names.length);

      // What a viewer may see can be anywhere.
      const filter = (name: string): boolean => name.endsWith("9");
      const seen = await inventory.firstRepositories({ limit: 2, filter });
      expect([seen.items.map(({ name }) => name), seen.total]).toEqual([["team/app-109", "team/app-119"], 6]);
      const all = await inventory.firstRepositories({ limit: 50, filter });
      expect([all.items.length, all.total, all.next]).toEqual([6, 6, undefined]);

      const second = await inventory.repositories({ after: first.next, limit: 3 });
      expect([second.items.map(({ name }) => name), second.total]).toEqual([names.slice(3, 6), 60]);
      expect(await inventory.firstRepositories({ limit: 3 })).toMatchObject({ items: first.items, total: 60 });
      await push(registry, "a", "a");
      const other = start(driver, "two");
      expect((await other.inventory.firstRepositories({ limit: 1 })).items[0]?.name).toBe("a");
    }));

  it("describes tags, manifests and repositories", () =>
    over(async (driver) => {
      const { registry, inventory } = start(driver);
      const image = await pushImage(registry, NAME, { layers: ["shared", "alone"] }, "v1", "latest");
      const other = await pushImage(
        registry,
        NAME,
        { layers: ["shared"], architecture: "arm64", created: "2026-02-01T00:00:00Z" },
        "arm",
      );
      const index = bytesOf({
        schemaVersion: 2,
        mediaType: INDEX,
        manifests: [
          {
            mediaType: MANIFEST,
            digest: other.digest,
            size: other.bytes,
            platform: { os: "linux", architecture: "arm64" },
          },
        ],
      });
      const put = { bytes: index, mediaType: INDEX, tags: [parseTagName("multi")] };
      await registry.repository(NAME).manifests.put(put);

      const { items, total, next } = await inventory.tags(NAME);
      expect([items.map(({ tag }) => tag), total, next]).toEqual([["arm", "latest", "multi", "v1"], 4, undefined]);
      const [arm, latest, multi] = items;
      expect(arm?.manifest).toMatchObject({
        digest: other.digest,
        size: other.size,
        platforms: [{ os: "linux", architecture: "arm64" }],
        created: Date.parse("2026-02-01T00:00:00Z"),
        tags: ["arm"],
      });
      expect(multi?.manifest).toMatchObject({
        size: index.length + other.size,
        children: [other.digest],
        platforms: [{ os: "linux", architecture: "arm64" }],
        created: Date.parse("2026-02-01T00:00:00Z"),
      });
      // The index needs all of the other image; two tags have the first one.
      expect([arm?.uniqueSize, multi?.uniqueSize, latest?.uniqueSize]).toEqual([0, index.length, 0]);
      expect(latest?.pushed).toBeGreaterThan(Date.now() - 60_000);
      await registry.repository(NAME).tags.delete(parseTagName("v1"));
      const [alone] = (await inventory.tags(NAME, { search: "LATEST" })).items;
      expect(alone?.uniqueSize).toBe(image.size - "shared".length);

      const size = image.size + other.size + index.length - "shared".length;
      expect((await inventory.repositories()).items).toMatchObject([{ name: NAME, tags: 3, manifests: 3, size }]);
      expect((await inventory.allManifests(NAME)).map(({ digest }) => digest)).toEqual(
        [image.digest, other.digest, digestOf(index)].sort(),
      );
    }));

  it("tells signatures, SBOMs and attestations apart", () =>
    over(async (driver) => {
      const { registry, inventory } = start(driver);
      const { digest } = await pushImage(registry, NAME, { layers: ["layer"] }, "v1");
      const types = {
        signature: "application/vnd.dev.cosign.artifact.sig.v1+json",
        sbom: "application/spdx+json",
        attestation: "application/vnd.in-toto+json",
        other: "application/vnd.example",
      };
      const expected: unknown[] = [];
      for (const [kind, artifactType] of Object.entries(types)) {
        const pushed = await pushImage(registry, NAME, { layers: [kind], subject: digest, artifactType });
        expected.push({ kind, digest: pushed.digest, artifactType, bytes: pushed.bytes });
      }
      const tag = parseTagName(`${digest.replace(":", "-")}.sig`);
      const signature = await pushImage(registry, NAME, { layers: ["cosign"] }, tag);
      expected.push({ kind: "signature", digest: signature.digest, artifactType: CONFIG, bytes: signature.bytes, tag });
      const found = await inventory.referrers(NAME, digest);
      expect(found).toHaveLength(5);
      expect(found).toEqual(expect.arrayContaining(expected.map((each): unknown => expect.objectContaining(each))));
    }));

  it("counts what repositories share once", () =>
    over(async (driver) => {
      const { registry, inventory } = start(driver);
      const image = await pushImage(registry, "a/x", { layers: ["shared"] }, "v1", "v2");
      await pushImage(registry, "a/y", { layers: ["shared"] }, "v1");
      const other = await pushImage(registry, "ab", { layers: ["other"] }, "v1");
      const one = { manifests: 1, blobs: 2, bytes: image.size };
      expect(await inventory.usage("a")).toEqual({ ...one, repositories: 2, tags: 3, logicalBytes: 2 * image.size });
      expect(await inventory.usage("a/x")).toEqual({ ...one, repositories: 1, tags: 2, logicalBytes: image.size });
      expect(await inventory.usage()).toEqual({
        repositories: 3,
        tags: 4,
        manifests: 2,
        blobs: 3,
        bytes: image.size + other.size - image.config,
        logicalBytes: 2 * image.size + other.size,
      });
      await registry.remove(parseRepositoryName("ab"));
      expect(await inventory.usage("ab")).toMatchObject({ repositories: 0, bytes: 0 });
    }));

  it("notices what others have changed after a while, and a damaged manifest has no parts", () =>
    over(async (driver) => {
      let now = 0;
      const { inventory } = start(driver, "one", () => now);
      const plain = plainRegistry(driver);
      await pushImage(plain, NAME, { layers: ["1"] }, "v1");
      expect((await inventory.tags(NAME)).total).toBe(1);
      // A tag that is shown is right at once.
      const moved = await pushImage(plain, NAME, { layers: ["moved"] }, "v1");
      expect((await inventory.tags(NAME)).items).toMatchObject([
        { tag: "v1", digest: moved.digest, manifest: { size: moved.size } },
      ]);
      const listed = async () => (await inventory.repositories({ sort: "size" })).items.map(({ tags }) => tags);
      expect(await listed()).toEqual([1]);
      const { digest } = await pushImage(plain, NAME, { layers: ["2"] }, "v2");
      const hex = digest.slice(7);
      await driver.write(`/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, bytesOf("{}"));
      now += 5 * 60_000;
      expect(await listed()).toEqual([2]);
      const [, v2] = (await inventory.tags(NAME)).items;
      expect(v2).toMatchObject({ tag: "v2", digest, manifest: undefined, uniqueSize: 0 });
    }));

  it.each(["size", "pushed", "created", "version"] as const)("is sorted anew by %s after each change", (sort) =>
    over(async (driver) => {
      const { inventory, registry } = start(driver, "one");
      const listed = async () => (await inventory.tags(NAME, { sort })).items.map(({ tag }) => String(tag));
      const pushSized = (tag: string, bytes: number, second: number) =>
        pushImage(registry, NAME, { layers: ["x".repeat(bytes)], created: new Date(second * 1000).toISOString() }, tag);
      await pushSized("1", 10, 10);
      await pushSized("2", 20, 20);
      expect(await listed()).toEqual(["1", "2"]);
      await pushSized("3", 30, 30);
      expect(await listed()).toEqual(["1", "2", "3"]);
      await registry.repository(NAME).tags.delete(parseTagName("2"));
      expect(await listed()).toEqual(["1", "3"]);
      await pushSized("1", 40, 40);
      expect(await listed()).toEqual(sort === "version" ? ["1", "3"] : ["3", "1"]);
    }),
  );

  it("keeps a repository that is larger than all that may be kept", () =>
    over(async (plain) => {
      const reads: string[] = [];
      const driver = {
        ...plain,
        read: (...call: Parameters<StorageDriver["read"]>) => (reads.push(call[0]), plain.read(...call)),
      };
      const { registry, inventory } = start(driver, "one", () => 0, 3000);
      for (const layer of ["1", "2", "3", "4"]) await pushImage(registry, NAME, { layers: [layer] }, `v${layer}`);
      expect((await inventory.tags(NAME)).total).toBe(4);
      reads.length = 0;
      expect((await inventory.tags(NAME, { search: "v1" })).total).toBe(1);
      expect(reads.filter((path) => path.includes("/blobs/"))).toEqual([]);
    }));

  it("equals a fresh one after any history of pushes and deletes by two processes", async () => {
    const step = fc.record({
      kind: fc.constantFrom("push", "push", "push", "tag", "untag", "delete", "remove", "look"),
      process: fc.nat({ max: 1 }),
      name: fc.constantFrom("a", "b"),
      tag: fc.constantFrom("1", "2", "3"),
      layers: fc.uniqueArray(fc.constantFrom("x", "y", "z"), { minLength: 1, maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), (steps) =>
        over(async (driver) => {
          const processes = [start(driver, "one"), start(driver, "two")];
          const view = async ({ inventory }: OpenInventory) => ({
            repositories: (await inventory.repositories({ sort: "size" })).items,
            tags: [
              await inventory.allTags(parseRepositoryName("a")),
              await inventory.allTags(parseRepositoryName("b")),
            ],
            manifests: await inventory.allManifests(parseRepositoryName("a")),
            usage: await inventory.usage(),
          });
          for (const { kind, process, name, tag, layers } of steps) {
            const at = processes[process] ?? start(driver);
            const { tags, manifests } = at.registry.repository(parseRepositoryName(name));
            const target = await tags.resolve(parseTagName(tag)).catch(() => undefined);
            if (kind === "push") await pushImage(at.registry, name, { layers }, tag);
            else if (kind === "remove") await at.registry.remove(parseRepositoryName(name)).catch(() => undefined);
            else if (kind === "look") await view(at);
            else if (target === undefined) continue;
            else if (kind === "tag") await tags.set(parseTagName("moved"), target);
            else if (kind === "untag") await tags.delete(parseTagName(tag));
            else await manifests.delete(target);
          }
          const views = [await view(start(driver, "late"))];
          for (const each of processes) views.push(await view(each));
          for (const each of processes) await each.close();
          views.push(await view(start(driver, "later")));
          await orUndefined(driver.delete("/docker/registry/v2/longshore/inventory"));
          const fresh = await view(start(driver, "fresh"));
          for (const each of views) expect(each).toEqual(fresh);
        }),
      ),
      { numRuns: 15 },
    );
  });
});

describe("a page of a list", () => {
  const sorts: readonly TagSort[] = ["name", "size"];

  it("follows the one before, in any order, whatever was removed in between", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.record({ name: fc.stringMatching(/^[a-c]{1,3}$/), size: fc.nat({ max: 3 }) }), {
          selector: ({ name }) => name,
        }),
        fc.constantFrom(...sorts),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom("", "A", "bc"),
        async (unsorted, sort, descending, limit, search) => {
          const items = unsorted.sort((a, b) => (a.name < b.name ? -1 : 1));
          const source = {
            items,
            nameOf: (item: Sized) => item.name,
            keyOf: sort === "name" ? undefined : (item: Sized) => item.size,
          };
          const query: InventoryQuery<TagSort> = { sort, descending, limit, search };
          const found = await allPages((after) => Promise.resolve(pageOf(placesOf(source), { ...query, after })));
          expect(found).toEqual(pageOf(placesOf(source), { ...query, limit: 1000 }).items);
          const expected = items
            .filter(({ name }) => name.includes(search.toLowerCase()))
            .sort((a, b) => (sort === "size" && a.size !== b.size ? a.size - b.size : a.name < b.name ? -1 : 1));
          expect(found).toEqual(descending ? expected.reverse() : expected);
          const first = pageOf(placesOf(source), query);
          const rest = { ...source, items: items.filter((item) => !first.items.includes(item)) };
          if (first.next !== undefined)
            expect(pageOf(placesOf(rest), { ...query, after: first.next }).items).toEqual(
              found.slice(limit, 2 * limit),
            );
        },
      ),
    );
  });

  it.each([
    "",
    "x",
    Buffer.from("{}").toString("base64url"),
    Buffer.from('["size ascending",1,"a"]').toString("base64url"),
  ])("refuses the cursor %j", (after) => {
    const source = { items: ["a"], nameOf: (item: string) => item, keyOf: undefined };
    expect(() => pageOf(placesOf(source), { after })).toThrow(CursorError);
  });
});

it("sorts versions by their numbers", () => {
  const sorted = ["1.9", "1.10-rc1", "1.10", "v1.10.1", "2", "latest"];
  const mixed = ["latest", "2", "1.10", "1.9", "v1.10.1", "1.10-rc1"];
  expect(mixed.sort((a, b) => (versionKey(a) < versionKey(b) ? -1 : 1))).toEqual(sorted);
});
