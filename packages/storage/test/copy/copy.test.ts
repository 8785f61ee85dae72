import { describe, expect, it } from "vitest";
import { copyRepository, copyTag } from "../../src/copy/copy-repository.js";
import { renameRepository } from "../../src/copy/rename-repository.js";
import type { StorageDriver } from "../../src/contract/driver.js";
import type { Registry } from "../../src/contract/registry.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { isStorageError } from "../../src/errors.js";
import { splitDigest, type Digest } from "../../src/model/digest.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/model/media-types.js";
import type { RepositoryName } from "../../src/model/repository-name.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { createInMemoryObjectStorage } from "../drivers/in-memory-object-storage.js";
import { describeForStorages, indexOfImages } from "../gc/support.js";
import { encode, endOrWait, failureOf, imageOf, putBlob, refusing, repository, tag } from "../store/support.js";

const from = repository("team/old");
const to = repository("company/new");
const v1 = tag("v1");
const PATIENCE = 120_000;

const open = (driver: StorageDriver): Registry => openRegistry(driver);

async function pushImage(
  driver: StorageDriver,
  {
    into = from,
    is = "image",
    tags = ["v1"],
    ...rest
  }: { into?: RepositoryName; is?: string; tags?: string[]; subject?: object } = {},
): Promise<Digest> {
  await putBlob(driver, into, "config");
  await putBlob(driver, into, "layer");
  const bytes = encode(imageOf({ annotations: { is }, ...rest }));
  const { manifests } = open(driver).repository(into);
  return (await manifests.put({ bytes, mediaType: OCI_MANIFEST, tags: tags.map(tag) })).descriptor.digest;
}

/** An index of an image that has a signature as a referrer and one by a tag, and an image without a tag. */
async function fill(driver: StorageDriver) {
  const child = await pushImage(driver, { is: "child", tags: [] });
  const subject = { mediaType: OCI_MANIFEST, digest: child, size: 1 };
  const signature = await pushImage(driver, { is: "signature", tags: [], subject });
  const { algorithm, hex } = splitDigest(child);
  const attached = await pushImage(driver, { is: "attached", tags: [`${algorithm}-${hex}.sig`] });
  const { manifests } = open(driver).repository(from);
  const bytes = encode(indexOfImages([child]));
  const { descriptor } = await manifests.put({ bytes, mediaType: OCI_INDEX, tags: [v1, tag("v1.0")] });
  const untagged = await pushImage(driver, { is: "untagged", tags: [] });
  return { child, signature, attached, index: descriptor.digest, untagged };
}

/** All that clients see of a repository. */
async function contentOf(driver: StorageDriver, name: RepositoryName): Promise<Record<string, string>> {
  const { manifests, tags, referrers } = open(driver).repository(name);
  const content: Record<string, string> = {};
  for (const digest of (await manifests.list()).items) {
    const listed = (await referrers.list(digest)).items.map((each) => each.digest);
    content[digest] = `${new TextDecoder().decode((await manifests.get(digest)).bytes)} ${listed.join(" ")}`;
  }
  const listed = await tags.list().catch(() => ({ items: [] }));
  for (const each of listed.items) content[each] = await tags.resolve(each);
  return content;
}

describe("copies within a storage", () => {
  describeForStorages("copying", (fresh) => {
    it("copies a whole repository, and changes nothing the second time", async () => {
      const driver = await fresh();
      await fill(driver);
      const before = await contentOf(driver, from);
      expect(await copyRepository(open(driver), { from, to })).toMatchObject({ manifests: 5, tags: 3 });
      expect(await contentOf(driver, to)).toEqual(before);
      expect(await contentOf(driver, from)).toEqual(before);
      expect(await copyRepository(open(driver), { from, to })).toMatchObject({ manifests: 0, blobs: 0 });
    });

    it("copies a tag with what it refers to, its referrers and its attached tags", async () => {
      const driver = await fresh();
      const { child, signature, attached, index } = await fill(driver);
      const copied = await copyTag(open(driver), { from, to, tag: v1, as: tag("stable") });
      expect(copied).toMatchObject({ digest: index, manifests: 4, tags: 2 });
      const target = open(driver).repository(to);
      expect([...(await target.manifests.list()).items].sort()).toEqual([child, signature, attached, index].sort());
      expect(await target.tags.resolve(tag("stable"))).toBe(index);
      expect((await target.referrers.list(child)).items).toHaveLength(1);
    });

    it("copies the tags that are wanted", async () => {
      const driver = await fresh();
      await fill(driver);
      await copyRepository(open(driver), { from, to }, { wants: (each) => each === "v1.0" });
      const { items } = await open(driver).repository(to).tags.list();
      expect(items.filter((each) => each.startsWith("v"))).toEqual(["v1.0"]);
    });

    it("moves a repository, and leaves nothing behind", async () => {
      const driver = await fresh();
      await fill(driver);
      const before = await contentOf(driver, from);
      await renameRepository(open(driver), { from, to });
      expect(await contentOf(driver, to)).toEqual(before);
      expect((await open(driver).repositories()).items).toEqual([to]);
    });

    it("refuses what isn't there, and what it is already", async () => {
      const driver = await fresh();
      expect(await failureOf(copyRepository(open(driver), { from, to }))).toMatchObject({ code: "NAME_UNKNOWN" });
      expect(await failureOf(copyTag(open(driver), { from, to, tag: v1 }))).toMatchObject({ code: "TAG_UNKNOWN" });
      await pushImage(driver);
      for (const work of [copyRepository, renameRepository]) {
        expect(await failureOf(work(open(driver), { from, to: from }))).toMatchObject({ code: "NAME_INVALID" });
      }
      expect((await open(driver).repository(from).tags.list()).items).toEqual([v1]);
    });
  });

  const storages = {
    files: () => createInMemoryDriver(),
    "object storage": (): StorageDriver => createInMemoryObjectStorage().driver,
  };
  describe.each(Object.entries(storages))("over %s", (_kind, fresh) => {
    it("a rename that was interrupted at any call can be repeated", { timeout: PATIENCE }, async () => {
      // Not each of several hundred: neighbouring ones differ little.
      for (let moment = 1; ; moment += 17) {
        const driver = fresh();
        await fill(driver);
        const before = await contentOf(driver, from);
        let calls = 0;
        const killed = refusing(driver, () => (++calls >= moment ? new Error("killed") : undefined));
        const failure = await failureOf(renameRepository(open(killed), { from, to }));
        const together = { ...(await contentOf(driver, from)), ...(await contentOf(driver, to)) };
        expect(Object.keys(together).sort()).toEqual(Object.keys(before).sort());
        const again = await failureOf(renameRepository(open(driver), { from, to }));
        expect(again === undefined || isStorageError(again, "NAME_UNKNOWN")).toBe(true);
        expect(await contentOf(driver, to)).toEqual(before);
        expect(await contentOf(driver, from)).toEqual({});
        if (failure === undefined) return;
      }
    });

    it("loses no push to the old name, at any call of a rename", { timeout: PATIENCE }, async () => {
      for (let moment = 1; ; moment += 5) {
        const driver = fresh();
        const old = await pushImage(driver);
        let calls = 0;
        let pushed: Promise<unknown> | undefined;
        const watched = refusing(driver, async () => {
          if (++calls === moment) {
            const push = endOrWait(driver, (inner) =>
              pushImage(inner, { is: "late", tags: ["v1", "late"] }).catch(() => undefined),
            );
            pushed = push.end;
            await push.either;
          }
          return undefined;
        });
        await renameRepository(open(watched), { from, to });
        const late = await pushed;
        if (calls < moment) return;
        const content = { ...(await contentOf(driver, to)), ...(await contentOf(driver, from)) };
        expect(Object.keys(content)).toContain(old);
        if (late !== undefined)
          expect({ moment, tag: content["late"], v1: content["v1"] }).toEqual({ moment, tag: late, v1: late });
      }
    });
  });
});
