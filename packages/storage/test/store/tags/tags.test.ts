import { expect, it } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import * as paths from "../../../src/layout/paths.js";
import { createKnownItems } from "../../../src/store/shared/known-items.js";
import { NO_LINKS } from "../../../src/cache/none.js";
import { createTagPages } from "../../../src/store/tags/pages.js";
import { NOTHING_IMMUTABLE } from "../../../src/store/tags/immutable.js";
import { createTagStore, openTagLinks } from "../../../src/store/tags/tags.js";
import {
  deleteAsOriginal,
  describeForDrivers,
  encode,
  failureOf,
  imageOf,
  putOriginal,
  refusing,
  repository,
  someDigest,
  tag,
} from "../support.js";

const name = repository("library/alpine");
const storeOver = (driver: StorageDriver) =>
  createTagStore(name, {
    driver,
    links: NO_LINKS,
    tagLinks: openTagLinks(name, driver),
    tagConcurrency: 4,
    liveTags: createKnownItems(100),
    tagPages: createTagPages(100),
    immutable: NOTHING_IMMUTABLE,
  });

describeForDrivers("tags", (open) => {
  it("are stored as Distribution stores them", async () => {
    const driver = await open();
    const digest = someDigest("ab");
    await storeOver(driver).set(tag("v1"), digest);
    expect(await driver.read(paths.tagIndexLink(name, tag("v1"), digest))).toEqual(encode(digest));
    expect(await driver.read(paths.tagCurrentLink(name, tag("v1")))).toEqual(encode(digest));
  });

  it("move, and keep their history", async () => {
    const driver = await open();
    const tags = storeOver(driver);
    await tags.set(tag("v1"), someDigest("ab"));
    await tags.set(tag("v1"), someDigest("cd"));
    expect(await tags.resolve(tag("v1"))).toBe(someDigest("cd"));
    expect(await driver.list(`${paths.tagIndexDirectory(name, tag("v1"))}/sha256`)).toMatchObject({ more: false });
    expect((await driver.list(`${paths.tagIndexDirectory(name, tag("v1"))}/sha256`)).names).toHaveLength(2);
  });

  it("are unknown if they don't exist, or if a crash left them without a target", async () => {
    const driver = await open();
    const tags = storeOver(driver);
    const unknown = { code: "TAG_UNKNOWN", message: "unknown tag=v1" };
    expect(await failureOf(tags.resolve(tag("v1")))).toMatchObject(unknown);
    expect(await failureOf(tags.delete(tag("v1")))).toMatchObject(unknown);
    await driver.write(paths.tagCurrentLink(name, tag("v1")), encode(""));
    expect(await failureOf(tags.resolve(tag("v1")))).toMatchObject(unknown);
    expect(await failureOf(tags.delete(tag("v1")))).toMatchObject(unknown);
  });

  it("are deleted with everything below them", async () => {
    const driver = await open();
    const tags = storeOver(driver);
    await tags.set(tag("v1"), someDigest("ab"));
    await tags.set(tag("v10"), someDigest("ab"));
    await tags.delete(tag("v1"));
    expect((await driver.list(paths.tagsDirectory(name))).names).toEqual(["v10"]);
  });

  it("can be deleted, and set again, if their link is damaged", async () => {
    const driver = await open();
    const tags = storeOver(driver);
    for (const repair of [() => tags.delete(tag("v1")), () => tags.set(tag("v1"), someDigest("ab"))]) {
      await driver.write(paths.tagCurrentLink(name, tag("v1")), encode("garbage"));
      expect(await failureOf(tags.resolve(tag("v1")))).toMatchObject({ code: "DRIVER_ERROR" });
      await repair();
    }
    expect(await tags.resolve(tag("v1"))).toBe(someDigest("ab"));
  });

  it("are listed in the order of bytes, in pages that skip none", async () => {
    const driver = await open();
    const expected = ["1.0", "1.0-a", "A", "Z", "_x", "a", "b"];
    await putOriginal(driver, name, imageOf(), ...expected);
    const tags = storeOver(driver);
    expect(await tags.list()).toEqual({ items: expected, more: false });
    for (let limit = 1; limit <= 8; limit++) {
      const seen: string[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = await tags.list({ after, limit });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        expect(page.more).toBe(seen.length + page.items.length < expected.length);
        seen.push(...page.items);
        if (!page.more) break;
      }
      expect(seen).toEqual(expected);
    }
    expect(await tags.list({ after: "Zzz", limit: 2 })).toEqual({ items: ["_x", "a"], more: true });
    expect(await tags.list({ after: "zzz" })).toEqual({ items: [], more: false });
    expect(await tags.list({ limit: 0 })).toEqual({ items: [], more: false });
  });

  it("fill a page however many leftovers are between them", async () => {
    const driver = await open();
    const digest = await putOriginal(driver, name, imageOf(), "a", "m", "z");
    for (let i = 0; i < 20; i++) await driver.write(paths.tagIndexLink(name, tag(`l${i}`), digest), encode(digest));
    await driver.write(`${paths.tagsDirectory(name)}/b.tmp`, encode(digest));
    const tags = storeOver(driver);
    expect(await tags.list({ limit: 2 })).toEqual({ items: ["a", "m"], more: true });
    expect(await tags.list({ limit: 3 })).toEqual({ items: ["a", "m", "z"], more: false });
    expect(await tags.list({ after: "a", limit: 1 })).toEqual({ items: ["m"], more: true });
  });

  it("aren't read again one by one once listed, and disappear when others delete them", async () => {
    const driver = await open();
    await putOriginal(driver, name, imageOf(), "a", "b", "c");
    let stats = 0;
    const tags = storeOver(refusing(driver, (operation) => void (operation === "stat" && stats++)));
    await tags.list();
    expect(stats).toBe(3);
    expect((await tags.list({ limit: 2 })).items).toEqual(["a", "b"]);
    expect(stats).toBe(3);
    await driver.delete(paths.tagDirectory(name, tag("b")));
    expect((await tags.list()).items).toEqual(["a", "c"]);
    // The leftover of a crash during a delete is listed until it is requested.
    await driver.delete(paths.tagCurrentLink(name, tag("c")));
    expect(await failureOf(tags.resolve(tag("c")))).toMatchObject({ code: "TAG_UNKNOWN" });
    expect((await tags.list()).items).toEqual(["a"]);
  });

  it("are an empty list for a repository with only manifests, and unknown for an empty one", async () => {
    const driver = await open();
    const tags = storeOver(driver);
    const unknown = { code: "NAME_UNKNOWN", fault: { name } };
    expect(await failureOf(tags.list())).toMatchObject(unknown);
    const digest = await putOriginal(driver, name, imageOf());
    expect(await tags.list()).toEqual({ items: [], more: false });
    await deleteAsOriginal(driver, name, digest);
    expect(await failureOf(tags.list({ after: "x", limit: 3 }))).toMatchObject(unknown);
  });
});
