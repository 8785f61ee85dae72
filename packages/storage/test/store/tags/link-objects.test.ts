import { expect, it } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { ObjectStorage } from "../../../src/contract/object-storage.js";
import * as paths from "../../../src/layout/paths.js";
import { openTagLinks } from "../../../src/store/tags/tags.js";
import { createInMemoryObjectStorage } from "../../drivers/in-memory-object-storage.js";
import { repository, someDigest, tag } from "../support.js";

const name = repository("library/alpine");
const link = paths.tagCurrentLink(name, tag("v1"));
const [before, pushed, other] = [someDigest("ab"), someDigest("cd"), someDigest("ef")];

type Write = () => ReturnType<ObjectStorage["writeVersioned"]>;

/** Pushes `pushed` where `before` is, with `around` in place of its first write of the link. */
async function pushWith(around: (driver: StorageDriver & ObjectStorage, write: Write) => ReturnType<Write>) {
  const { driver } = createInMemoryObjectStorage();
  await openTagLinks(name, driver).set(tag("v1"), before);
  let isFirst = true;
  const writeVersioned: ObjectStorage["writeVersioned"] = (path, ...rest) => {
    const write: Write = () => driver.writeVersioned(path, ...rest);
    if (path !== link || !isFirst) return write();
    isFirst = false;
    return around(driver, write);
  };
  const interrupted: StorageDriver & ObjectStorage = { ...driver, writeVersioned };
  await openTagLinks(name, interrupted).set(tag("v1"), pushed);
  return new TextDecoder().decode(await driver.read(link));
}

it("a push over objects isn't lost to a removal that puts the link back", async () => {
  const target = await pushWith(async (driver, write) => {
    let result: Awaited<ReturnType<Write>> | undefined;
    // The manifest is linked again once the removal has put its mark, which the push runs into.
    const isDue = async (): Promise<boolean> => {
      if ((await driver.read(link)).byteLength === before.length) return true;
      result = await write();
      return false;
    };
    expect(await openTagLinks(name, driver).removeFrom(tag("v1"), before, isDue)).toBe(false);
    if (result === undefined) throw new Error("the removal didn't put its mark");
    expect(result.written).toBe(false);
    return result;
  });
  expect(target).toBe(pushed);
});

it("a push over objects counts as the earlier one if another push comes between", async () => {
  const target = await pushWith(async (driver, write) => {
    await openTagLinks(name, driver).set(tag("v1"), other);
    return write();
  });
  expect(target).toBe(other);
});
