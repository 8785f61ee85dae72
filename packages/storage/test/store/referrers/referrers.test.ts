import { expect, it } from "vitest";
import { indexOf } from "@longshore/testkit/fixtures";
import type { StorageDriver } from "../../../src/contract/driver.js";
import { StorageError } from "../../../src/errors.js";
import * as paths from "../../../src/layout/paths.js";
import type { Digest } from "../../../src/model/digest.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/model/media-types.js";
import { openRegistry } from "../../../src/store/open-registry.js";
import { fallbackTag } from "../../../src/store/referrers/referrers.js";
import {
  CONFIG,
  deleteAsOriginal,
  descriptorOf,
  describeForDrivers,
  encode,
  failureOf,
  imageOf,
  putBlob,
  putOriginal,
  refusing,
  repository,
  someDigest,
} from "../support.js";

const name = repository("library/alpine");
const subject = descriptorOf("the subject", OCI_MANIFEST);

const openOver = (driver: StorageDriver) => openRegistry(driver).repository(name);

const referrer = (n: number, rest: Record<string, unknown> = {}) =>
  imageOf({ subject, annotations: { n: String(n) }, ...rest });

async function push(driver: StorageDriver, body: unknown, mediaType = OCI_MANIFEST): Promise<Digest> {
  await putBlob(driver, name, "config");
  await putBlob(driver, name, "layer");
  const pushed = await openOver(driver).manifests.put({ bytes: encode(body), mediaType, tags: [] });
  return pushed.descriptor.digest;
}

async function listed(driver: StorageDriver, of = subject.digest): Promise<readonly Digest[]> {
  const { items, more } = await openOver(driver).referrers.list(of);
  expect(more).toBe(false);
  return items.map(({ digest }) => digest);
}

/** A driver that counts the bytes read from entries, and the most entries read at a time. */
function watching(driver: StorageDriver) {
  let [bytes, open, most] = [0, 0, 0];
  const read: StorageDriver["read"] = async (path, options) => {
    if (!path.includes("/referrers/sha256/")) return driver.read(path, options);
    most = Math.max(most, (open += 1));
    const content = await driver.read(path, options).finally(() => (open -= 1));
    bytes += content.length;
    return content;
  };
  const watched = new Proxy(driver, {
    get: (target, property): unknown => (property === "read" ? read : Reflect.get(target, property)),
  });
  return { driver: watched, bytes: () => bytes, most: () => most };
}

const fallbackIndex = (...digests: readonly Digest[]) =>
  indexOf(digests.map((digest) => ({ mediaType: OCI_MANIFEST, digest, size: 1, annotations: { stale: "yes" } })));

describeForDrivers("referrers", (open) => {
  it("are empty for a subject without referrers, in a repository that doesn't exist", async () => {
    const driver = await open();
    expect(await listed(driver)).toEqual([]);
    expect(await failureOf(driver.stat(paths.REPOSITORIES_DIRECTORY))).toMatchObject({ code: "PATH_NOT_FOUND" });
  });

  it("are described as the specification says, even if the subject doesn't exist", async () => {
    const driver = await open();
    await putBlob(driver, name, "config");
    await putBlob(driver, name, "layer");
    const { manifests, referrers } = openOver(driver);
    const artifact = encode(referrer(1, { artifactType: "a/b" }));
    const index = encode(indexOf([], { subject, annotations: { n: "2" } }));
    expect(await manifests.put({ bytes: artifact, mediaType: OCI_MANIFEST, tags: [] })).toMatchObject({
      subject: subject.digest,
    });
    await manifests.put({ bytes: index, mediaType: OCI_INDEX, tags: [] });
    await manifests.put({ bytes: encode(referrer(3)), mediaType: OCI_MANIFEST, tags: [] });
    const { items } = await referrers.list(subject.digest);
    const expected = [
      {
        ...descriptorOf(JSON.parse(Buffer.from(artifact).toString()), OCI_MANIFEST),
        artifactType: "a/b",
        annotations: { n: "1" },
      },
      { ...descriptorOf(indexOf([], { subject, annotations: { n: "2" } }), OCI_INDEX), annotations: { n: "2" } },
      { ...descriptorOf(referrer(3), OCI_MANIFEST), artifactType: CONFIG, annotations: { n: "3" } },
    ].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    expect(items).toEqual(expected);
    const filtered = await referrers.list(subject.digest, { artifactType: "a/b" });
    expect(filtered.items).toEqual(expected.filter(({ artifactType }) => artifactType === "a/b"));
  });

  it("come in pages, in order, and none is skipped because of a filter or deletions", async () => {
    const driver = await open();
    for (let n = 0; n < 40; n++) await push(driver, referrer(n, n % 2 === 0 ? { artifactType: "even/x" } : {}));
    const all = await listed(driver);
    expect(all).toHaveLength(40);
    expect(all).toEqual([...all].sort());
    const { manifests, referrers } = openOver(driver);
    const [gone] = all;
    if (gone === undefined) throw new Error("nothing is listed");
    await manifests.delete(gone);
    for (const artifactType of [undefined, "even/x", "none/x"]) {
      const whole = (await referrers.list(subject.digest, { artifactType })).items;
      const seen: Digest[] = [];
      for (;;) {
        const page = await referrers.list(subject.digest, { artifactType, limit: 7, after: seen.at(-1) });
        seen.push(...page.items.map(({ digest }) => digest));
        expect(page.more).toBe(seen.length < whole.length);
        if (!page.more) break;
      }
      expect(seen).toEqual(whole.map(({ digest }) => digest));
      expect(seen).not.toContain(gone);
    }
    expect(await referrers.list(subject.digest, { limit: 0 })).toEqual({ items: [], more: false });
  });

  it("end a page early rather than fill memory", async () => {
    const driver = await open();
    for (let n = 0; n < 4; n++)
      await push(driver, referrer(n, { annotations: { big: `${n}${"x".repeat(1_000_000)}` } }));
    const { referrers } = openOver(driver);
    const first = await referrers.list(subject.digest);
    expect(first.items).toHaveLength(3);
    expect(first.more).toBe(true);
    const second = await referrers.list(subject.digest, { after: first.items.at(-1)?.digest });
    expect(second.items).toHaveLength(1);
    expect(second.more).toBe(false);
  });

  it("end early a page that reads much but lists nothing, and continue from there", async () => {
    const driver = await open();
    for (let n = 0; n < 20; n++)
      await push(driver, referrer(n, { annotations: { big: `${n}${"x".repeat(1_100_000)}` } }));
    const wanted = await push(driver, referrer(20, { artifactType: "wanted/x" }));
    for (const [artifactType, expected] of [
      ["none/x", []],
      ["wanted/x", [wanted]],
    ] as const) {
      const found: Digest[] = [];
      let after: Digest | undefined;
      for (let pages = 1; ; pages++) {
        const watched = watching(driver);
        const page = await openOver(watched.driver).referrers.list(subject.digest, { artifactType, limit: 10, after });
        expect(watched.bytes()).toBeLessThanOrEqual(8 * 1024 * 1024);
        expect(watched.most()).toBe(1);
        found.push(...page.items.map(({ digest }) => digest));
        expect(page.next === undefined).toBe(!page.more);
        if (!page.more) {
          expect(pages).toBe(3);
          break;
        }
        after = page.next;
      }
      expect(found).toEqual(expected);
    }
  });

  it("are read concurrently while they are small", async () => {
    const driver = await open();
    for (let n = 0; n < 20; n++) await push(driver, referrer(n));
    const watched = watching(driver);
    expect((await openOver(watched.driver).referrers.list(subject.digest)).items).toHaveLength(20);
    expect(watched.most()).toBeGreaterThan(1);
  });

  it("disappear when they are deleted, by us or by Distribution", async () => {
    const driver = await open();
    const [ours, theirs] = [await push(driver, referrer(1)), await push(driver, referrer(2))];
    expect(await listed(driver)).toHaveLength(2);
    await openOver(driver).manifests.delete(ours);
    expect(await failureOf(driver.stat(paths.referrerLink(name, subject.digest, ours)))).toMatchObject({
      code: "PATH_NOT_FOUND",
    });
    expect(await listed(driver)).toEqual([theirs]);
    await deleteAsOriginal(driver, name, theirs);
    expect(await listed(driver)).toEqual([]);
  });

  it("survive a damaged entry", async () => {
    const driver = await open();
    const digest = await push(driver, referrer(1));
    for (const damage of ["", "{", JSON.stringify(descriptorOf("another", OCI_MANIFEST))]) {
      await driver.write(paths.referrerLink(name, subject.digest, digest), encode(damage));
      expect(await openOver(driver).referrers.list(subject.digest)).toMatchObject({
        items: [{ digest, artifactType: CONFIG, annotations: { n: "1" } }],
      });
    }
  });
});

describeForDrivers("referrers that an older registry was given", (open) => {
  it("are found by the first request, which reads each manifest once", async () => {
    const driver = await open();
    const digests: Digest[] = [];
    for (let n = 0; n < 6; n++) digests.push(await putOriginal(driver, name, referrer(n)));
    await putOriginal(driver, name, imageOf());
    await putOriginal(driver, name, { schemaVersion: 1 });
    const broken = await putOriginal(driver, name, "no JSON");
    await driver.delete(paths.blobData(broken));
    await deleteAsOriginal(driver, name, await putOriginal(driver, name, referrer(99)));
    const read: string[] = [];
    const repositoryOver = openOver(
      refusing(driver, (operation, path) => void (operation === "read" && read.push(path))),
    );
    const [first, second] = await Promise.all([
      repositoryOver.referrers.list(subject.digest),
      repositoryOver.referrers.list(subject.digest),
    ]);
    expect(first.items.map(({ digest }) => digest)).toEqual([...digests].sort());
    expect(second).toEqual(first);
    const data = read.filter((path) => path.endsWith("/data"));
    expect(data.length).toBe(new Set(data).size);
    expect(await driver.stat(paths.referrersIndexed(name))).toMatchObject({ isDirectory: false });
    read.length = 0;
    await repositoryOver.referrers.list(subject.digest);
    expect(read.filter((path) => path.endsWith("/data"))).toEqual([]);
  });

  it("are found by two processes at once", async () => {
    const driver = await open();
    for (let n = 0; n < 5; n++) await putOriginal(driver, name, referrer(n));
    const [one, other] = await Promise.all([listed(driver), listed(driver)]);
    expect(one).toHaveLength(5);
    expect(other).toEqual(one);
  });

  it("are listed, once and unchanged, if only the fallback tag lists them", async () => {
    const driver = await open();
    const ours = await push(driver, referrer(1));
    expect(await listed(driver)).toEqual([ours]);
    const later = await putOriginal(driver, name, referrer(2));
    const stranger = await putOriginal(driver, name, imageOf({ subject: descriptorOf("another", OCI_MANIFEST) }));
    const gone = someDigest("12");
    const fallback = fallbackIndex(later, ours, later, stranger, gone);
    await putOriginal(driver, name, fallback, fallbackTag(subject.digest));
    const { items } = await openOver(driver).referrers.list(subject.digest);
    expect(items.map(({ digest }) => digest)).toEqual([ours, later].sort());
    expect(items.find(({ digest }) => digest === later)).toEqual({
      ...descriptorOf(referrer(2), OCI_MANIFEST),
      artifactType: CONFIG,
      annotations: { n: "2" },
    });
    const [first, last] = items;
    expect(await openOver(driver).referrers.list(subject.digest, { limit: 1 })).toEqual({ items: [first], more: true });
    expect(await openOver(driver).referrers.list(subject.digest, { after: first?.digest })).toEqual({
      items: [last],
      more: false,
    });
  });

  it("aren't read from a fallback tag that is dangling or not an index", async () => {
    const driver = await open();
    await putOriginal(driver, name, imageOf(), fallbackTag(subject.digest));
    expect(await listed(driver)).toEqual([]);
    const index = await putOriginal(driver, name, fallbackIndex(), fallbackTag(subject.digest));
    await deleteAsOriginal(driver, name, index);
    expect(await listed(driver)).toEqual([]);
  });

  it("are searched by each request while storage is read-only, and recorded once it isn't", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, referrer(1));
    const full = new StorageError({ code: "DRIVER_ERROR", driver: "test", operation: "write", path: "/" });
    const readOnly = refusing(driver, (operation) => (operation === "write" ? full : undefined));
    expect(await listed(readOnly)).toEqual([digest]);
    expect(await listed(readOnly)).toEqual([digest]);
    expect(await failureOf(driver.stat(paths.referrersIndexed(name)))).toMatchObject({ code: "PATH_NOT_FOUND" });
    expect(await listed(driver)).toEqual([digest]);
    expect(await driver.stat(paths.referrersIndexed(name))).toBeDefined();
  });

  it("are searched again if the disk failed at one of them", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, referrer(1));
    const failed = new StorageError({ code: "DRIVER_ERROR", driver: "test", operation: "read", path: "/" });
    const failing = refusing(driver, (operation, path) =>
      operation === "read" && path.endsWith("/data") ? failed : undefined,
    );
    expect(await listed(failing)).toEqual([]);
    expect(await listed(driver)).toEqual([digest]);
  });

  it("continue to be searched for others when one caller goes away", async () => {
    const driver = await open();
    await putOriginal(driver, name, referrer(1));
    const { referrers } = openOver(driver);
    const controller = new AbortController();
    const leaving = failureOf(referrers.list(subject.digest, { signal: controller.signal }));
    const staying = referrers.list(subject.digest);
    controller.abort(new Error("gone"));
    expect(await leaving).toMatchObject({ message: "gone" });
    expect((await staying).items).toHaveLength(1);
  });
});

it("a fallback tag has at most 64 digits of the digest", () => {
  expect(fallbackTag(someDigest("ab"))).toBe(`sha256-${"ab".repeat(32)}`);
});
