import { describe, expect, it } from "vitest";
import { archiveStore } from "../../src/archive/archive-store.js";
import { copyStore, EmptySourceError, type CopyProblem } from "../../src/copy/copy-store.js";
import type { StorageDriver } from "../../src/contract/driver.js";
import type { Registry } from "../../src/contract/registry.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { StorageError } from "../../src/errors.js";
import * as paths from "../../src/layout/paths.js";
import { digestOf, type Digest } from "../../src/model/digest.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/model/media-types.js";
import { scrubStorage } from "../../src/scrub/scrub.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { collect, describeForStorages, indexOfImages, UNTAGGED } from "../gc/support.js";
import { encode, failureOf, imageOf, putBlob, refusing, repository, tag } from "../store/support.js";

const name = repository("team/app");
const other = repository("team/other");
const v1 = tag("v1");
const open = (driver: StorageDriver): Registry => openRegistry(driver);

async function pushImage(
  driver: StorageDriver,
  {
    into = name,
    is = "image",
    tags = ["v1"],
    ...rest
  }: { into?: typeof name; is?: string; tags?: string[]; subject?: object } = {},
): Promise<Digest> {
  await putBlob(driver, into, "config");
  await putBlob(driver, into, "layer");
  const bytes = encode(imageOf({ annotations: { is }, ...rest }));
  const { manifests } = open(driver).repository(into);
  return (await manifests.put({ bytes, mediaType: OCI_MANIFEST, tags: tags.map(tag) })).descriptor.digest;
}

/** An index with one child and a signature of that, and another repository with a single image. */
async function fill(driver: StorageDriver): Promise<Record<"child" | "index" | "signature" | "single", Digest>> {
  const child = await pushImage(driver, { is: "child", tags: [] });
  const { manifests } = open(driver).repository(name);
  const bytes = encode(indexOfImages([child]));
  const index = (await manifests.put({ bytes, mediaType: OCI_INDEX, tags: [v1] })).descriptor.digest;
  const subject = { mediaType: OCI_MANIFEST, digest: child, size: 1 };
  const signature = await pushImage(driver, { is: "signature", tags: [], subject });
  const single = await pushImage(driver, { into: other, is: "other" });
  return { child, index, signature, single };
}

const damage = (driver: StorageDriver, digest: Digest): Promise<void> =>
  driver.write(paths.blobData(digest), encode("no manifest"));

async function drain(
  _path: string,
  size: number,
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  let read = 0;
  for await (const chunk of bytes) read += chunk.byteLength;
  expect(read).toBe(size);
}

/** What a scrub finds in a copy, which has to be whole whatever happened. */
async function faultsOf(driver: StorageDriver): Promise<readonly string[]> {
  return (await scrubStorage(driver, { patience: 0 })).findings
    .filter((each) => each.damage)
    .map((each) => each.message);
}

const body = (fresh: () => Promise<StorageDriver>): void => {
  it("copies everything, verified, and the second time only what is new", async () => {
    const [from, to] = [await fresh(), await fresh()];
    const { child } = await fill(from);
    expect(await copyStore(open(from), open(to))).toMatchObject({
      repositories: 2,
      manifests: 4,
      tags: 2,
      problems: 0,
      bytes: 11,
    });
    expect(await faultsOf(to)).toEqual([]);
    expect((await open(to).repository(name).referrers.list(child)).items).toHaveLength(1);
    await pushImage(from, { is: "new", tags: ["v2"] });
    expect(await copyStore(open(from), open(to))).toMatchObject({ manifests: 1, tags: 1, bytes: 0 });
  });

  it("removes from a mirror what the source has no more, and from no other copy", async () => {
    const [from, to] = [await fresh(), await fresh()];
    await fill(from);
    await pushImage(from, { is: "old", tags: ["old"] });
    await copyStore(open(from), open(to));
    await open(from).repository(name).tags.delete(tag("old"));
    await open(from).remove(other);
    expect(await copyStore(open(from), open(to))).toMatchObject({ removed: 0 });
    expect(await copyStore(open(from), open(to), { mirror: true })).toMatchObject({ removed: 2 });
    expect((await open(to).repositories()).items).toEqual([name]);
    expect((await open(to).repository(name).tags.list()).items).toEqual([v1]);
  });

  it("reports what is damaged in the source, and copies the rest", async () => {
    const [from, to] = [await fresh(), await fresh()];
    await fill(from);
    await putBlob(from, other, "rotten");
    const rotten = digestOf(encode("rotten"));
    const bytes = encode({ ...imageOf({ layer: "rotten" }), annotations: { is: "rotten" } });
    await open(from)
      .repository(other)
      .manifests.put({ bytes, mediaType: OCI_MANIFEST, tags: [tag("bad")] });
    await from.write(paths.blobData(rotten), encode("ROTTEN"));
    const problems: string[] = [];
    const result = await copyStore(open(from), open(to), { onProblem: ({ what }) => problems.push(what) });
    expect(result).toMatchObject({ manifests: 4, problems: 2 });
    expect(problems.sort()).toEqual(["bad", digestOf(bytes)].sort());
    expect(await faultsOf(to)).toEqual([]);
  });

  it("reports each manifest whose bytes are damaged or missing in the source, tagged or not", async () => {
    const from = await fresh();
    const { child, index, signature } = await fill(from);
    await damage(from, child);
    await from.delete(paths.blobData(signature));
    const expected = { manifests: 1, tags: 1, problems: 4 };
    // The index can't be copied without its child.
    const named = ["v1", child, index, signature].sort();
    const [copied, archived]: string[][] = [[], []];
    const to = await fresh();
    expect(await copyStore(open(from), open(to), { onProblem: ({ what }) => copied?.push(what) })).toMatchObject(
      expected,
    );
    expect(copied?.sort()).toEqual(named);
    const sink = { add: drain };
    const onProblem = ({ what }: CopyProblem): void => void archived?.push(what);
    expect(await archiveStore(open(from), sink, { onProblem })).toMatchObject(expected);
    expect(archived?.sort()).toEqual(named);
  });

  it("passes over a tag whose manifest was deleted, as long as its own delete hasn't come", async () => {
    const [from, to] = [await fresh(), await fresh()];
    const { single } = await fill(from);
    await from.delete(paths.revisionLink(other, single));
    expect(await copyStore(open(from), open(to))).toMatchObject({ tags: 1, problems: 0 });
    expect(await archiveStore(open(from), { add: drain })).toMatchObject({ tags: 1, problems: 0 });
  });

  it("keeps in a mirror what is damaged in the source, and reports it", async () => {
    const [from, to] = [await fresh(), await fresh()];
    const { child, signature, single } = await fill(from);
    await copyStore(open(from), open(to));
    await damage(from, child);
    await from.delete(paths.blobData(signature));
    // A repository with nothing but a link that is cut off is in no list.
    await from.write(paths.revisionLink(other, single), encode("sha2"));
    const problems: string[] = [];
    const onProblem = ({ what }: CopyProblem): void => void problems.push(what);
    const result = await copyStore(open(from), open(to), { mirror: true, onProblem });
    expect(result).toMatchObject({ removed: 0, problems: 3 });
    expect(problems.sort()).toEqual([child, signature, single].sort());
    for (const digest of [child, signature]) await open(to).repository(name).manifests.get(digest);
    await open(to).repository(other).manifests.get(single);
    expect((await open(to).repository(name).tags.list()).items).toEqual([v1]);
  });

  it("takes nothing from a mirror of a source without repositories, or one that loses them meanwhile", async () => {
    const [from, to] = [await fresh(), await fresh()];
    await fill(from);
    await copyStore(open(from), open(to));
    const before = await open(to).repositories();
    const empty = copyStore(open(await fresh()), open(to), { mirror: true });
    await expect(empty).rejects.toThrow(EmptySourceError);
    const onlyMirrored = copyStore(open(from), open(to), { mirror: true, isLeftOut: () => true });
    await expect(onlyMirrored).rejects.toThrow("mounted");
    let last: string | undefined;
    // The volume goes away when the first repository's turn comes: everything in it looks deleted.
    const away = refusing(from, () =>
      last === name ? new StorageError({ code: "PATH_NOT_FOUND", driver: "gone", path: "/" }) : undefined,
    );
    const unmounted = copyStore(open(away), open(to), { mirror: true, onRepository: (each) => (last = each) });
    await expect(unmounted).rejects.toThrow(EmptySourceError);
    expect(await open(to).repositories()).toEqual(before);
    expect((await open(to).repository(name).manifests.list()).items).toHaveLength(3);
  });
};

describe("a copy of a whole storage", () => {
  describeForStorages("copying", body);

  it("is whole if it is interrupted at any call, and complete when it is repeated", { timeout: 60_000 }, async () => {
    for (let moment = 1; ; moment += 7) {
      const [from, to] = [createInMemoryDriver(), createInMemoryDriver()];
      await fill(from);
      let calls = 0;
      const killed = refusing(to, () => (++calls >= moment ? new Error("killed") : undefined));
      const failure = await failureOf(copyStore(open(from), open(killed)));
      expect({ moment, faults: await faultsOf(to) }).toEqual({ moment, faults: [] });
      await copyStore(open(from), open(to));
      expect((await open(to).repository(name).manifests.list()).items).toHaveLength(3);
      if (failure === undefined) return;
    }
  });

  it("is whole whatever is pushed, deleted and collected at any call", { timeout: 120_000 }, async () => {
    for (let moment = 1; ; moment += 9) {
      const [from, to] = [createInMemoryDriver(), createInMemoryDriver()];
      const { child } = await fill(from);
      let calls = 0;
      const watched = refusing(from, async () => {
        if (++calls !== moment) return undefined;
        const { manifests } = open(from).repository(name);
        await pushImage(from, { is: "moved", tags: ["v1"] });
        await manifests.delete(child);
        await open(from).remove(other);
        await collect(from, UNTAGGED);
        return undefined;
      });
      const { problems } = await copyStore(open(watched), open(to));
      // An index whose child was deleted is incomplete in the source, too.
      expect(problems).toBeLessThan(3);
      expect({ moment, faults: await faultsOf(to) }).toEqual({ moment, faults: [] });
      if (calls < moment) return;
    }
  });
});
