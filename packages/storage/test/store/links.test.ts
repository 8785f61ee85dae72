import { expect, it } from "vitest";
import { hasLink, readLink, readSoundLink, writeLink } from "../../src/store/links.js";
import { describeForDrivers, encode, failureOf, someDigest } from "./support.js";

const PATH = "/docker/registry/v2/repositories/a/_manifests/tags/x/current/link";
const digest = someDigest("ab");

describeForDrivers("a link", (open) => {
  it("holds the digest's text and nothing else", async () => {
    const driver = await open();
    await writeLink(driver, PATH, digest);
    expect(await driver.read(PATH)).toEqual(encode(digest));
    expect(await readLink(driver, PATH)).toBe(digest);
    expect(await hasLink(driver, PATH, digest)).toBe(true);
  });

  it("isn't there where nothing is, or something else", async () => {
    const driver = await open();
    expect(await readLink(driver, PATH)).toBeUndefined();
    expect(await hasLink(driver, PATH, digest)).toBe(false);
    await driver.write(`${PATH}/inside`, encode("x"));
    expect(await hasLink(driver, PATH, digest)).toBe(false);
  });

  it.each(["", "s", "sha256:", digest.slice(0, 40)])("is none when a crash cut it off: %j", async (text) => {
    const driver = await open();
    await driver.write(PATH, encode(text));
    expect(await readLink(driver, PATH)).toBeUndefined();
    expect(await hasLink(driver, PATH, digest)).toBe(false);
  });

  it.each([`${digest}\n`, "hello", `md5:${"0".repeat(32)}`, `\uFEFF${digest}`, "x".repeat(5000)])(
    "is an error of the storage when somebody changed it (%#)",
    async (text) => {
      const driver = await open();
      await driver.write(PATH, encode(text));
      expect(await failureOf(readLink(driver, PATH))).toMatchObject({ code: "DRIVER_ERROR" });
      expect(await readSoundLink(driver, PATH)).toBeUndefined();
    },
  );
});
