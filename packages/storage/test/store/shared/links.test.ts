import { expect, it } from "vitest";
import { hasLink, readLink, readSoundLink, writeLink } from "../../../src/store/shared/links.js";
import { describeForDrivers, encode, failureOf, someDigest } from "../support.js";

const PATH = "/docker/registry/v2/repositories/a/_manifests/tags/x/current/link";
const digest = someDigest("ab");

describeForDrivers("a link", (open) => {
  it("contains the digest and nothing else", async () => {
    const driver = await open();
    await writeLink(driver, PATH, digest);
    expect(await driver.read(PATH)).toEqual(encode(digest));
    expect(await readLink(driver, PATH)).toBe(digest);
    expect(await hasLink(driver, PATH, digest)).toBe(true);
  });

  it("doesn't exist if nothing, or something else, is in its place", async () => {
    const driver = await open();
    expect(await readLink(driver, PATH)).toBeUndefined();
    expect(await hasLink(driver, PATH, digest)).toBe(false);
    await driver.write(`${PATH}/inside`, encode("x"));
    expect(await hasLink(driver, PATH, digest)).toBe(false);
  });

  it.each(["", "s", "sha256:", digest.slice(0, 40)])("doesn't count if a crash truncated it: %j", async (text) => {
    const driver = await open();
    await driver.write(PATH, encode(text));
    expect(await readLink(driver, PATH)).toBeUndefined();
    expect(await hasLink(driver, PATH, digest)).toBe(false);
  });

  it.each(["\0".repeat(71), digest.slice(0, 40).padEnd(71, "\0"), `${digest}\n`, `${digest}\r\n`])(
    "doesn't count if a power loss damaged it: %j",
    async (text) => {
      const driver = await open();
      await driver.write(PATH, encode(text));
      expect(await readLink(driver, PATH)).toBeUndefined();
    },
  );

  it.each(["hello", `md5:${"0".repeat(32)}`, `\uFEFF${digest}`, "x".repeat(5000)])(
    "is a storage error if it was tampered with (%#)",
    async (text) => {
      const driver = await open();
      await driver.write(PATH, encode(text));
      expect(await failureOf(readLink(driver, PATH))).toMatchObject({ code: "DRIVER_ERROR" });
      expect(await readSoundLink(driver, PATH)).toBeUndefined();
    },
  );
});
