import { describe, expect, it } from "vitest";
import { canRedirect, type StorageDriver } from "../../src/contract/driver.js";
import { isObjectStorage } from "../../src/contract/object-storage.js";
import type { ChosenMiddleware } from "../../src/drivers/middleware/kind.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { driverContract } from "../contract/driver-contract.js";
import { addressed, chosen } from "./support.js";

const PATH = "/docker/registry/v2/blobs/sha256/ab/abc/data";
const ports = { warn: () => undefined };

async function urlOf(driver: StorageDriver, ...middleware: readonly ChosenMiddleware[]): Promise<string | undefined> {
  let wrapped = driver;
  for (const each of middleware) wrapped = await each.apply(wrapped, ports);
  return canRedirect(wrapped) ? wrapped.redirectUrl(PATH, { method: "GET" }) : undefined;
}

const redirect = (baseurl: string): ChosenMiddleware => chosen("redirect", { baseurl });

describe("redirect", () => {
  it.each([
    ["https://cdn.example", `https://cdn.example${PATH}`],
    ["https://cdn.example/", `https://cdn.example${PATH}`],
    ["http://cdn.example:8080/a/b/", `http://cdn.example:8080/a/b${PATH}`],
    ["https://user:password@cdn.example/?a=b#c", `https://cdn.example${PATH}`],
  ])("joins %s and the file's path", async (base, expected) => {
    expect(await urlOf(createInMemoryDriver(), redirect(base))).toBe(expected);
    expect(await urlOf(addressed("somewhere"), redirect(base))).toBe(expected);
  });
});

describe("rewrite", () => {
  const rewrite = (options: Readonly<Record<string, string>>): ChosenMiddleware => chosen("rewrite", options);
  const rest = "?X-Amz-Signature=abc&method=GET#f";

  it.each([
    [{}, `https://s3.example:8443/bucket/root${PATH}${rest}`],
    [{ scheme: "http" }, `http://s3.example:8443/bucket/root${PATH}${rest}`],
    [{ host: "cdn.example" }, `https://cdn.example/bucket/root${PATH}${rest}`],
    [{ host: "cdn.example:81", scheme: "http" }, `http://cdn.example:81/bucket/root${PATH}${rest}`],
    [{ trimpathprefix: "/bucket" }, `https://s3.example:8443/root${PATH}${rest}`],
    [{ trimpathprefix: "/bucket/" }, `https://s3.example:8443/root${PATH}${rest}`],
    [{ trimpathprefix: "/other" }, `https://s3.example:8443/bucket/root${PATH}${rest}`],
  ])("with %j", async (options, expected) => {
    expect(await urlOf(addressed(), rewrite(options))).toBe(expected);
  });

  it("changes nothing if the storage has no addresses", async () => {
    const driver = createInMemoryDriver();
    expect(await rewrite({ host: "cdn.example" }).apply(driver, ports)).toBe(driver);
    expect(await urlOf(driver, rewrite({ host: "cdn.example" }))).toBeUndefined();
  });

  it("edits the addresses of the middleware before it, and not of the one after it", async () => {
    const change = rewrite({ scheme: "http", host: "inner" });
    expect(await urlOf(addressed(), redirect("https://cdn.example"), change)).toBe(`http://inner${PATH}`);
    expect(await urlOf(addressed(), change, redirect("https://cdn.example"))).toBe(`https://cdn.example${PATH}`);
  });
});

it("keeps what the driver can do beyond the contract, and closes it", async () => {
  const driver = addressed();
  const wrapped = await redirect("https://cdn.example").apply(driver, ports);
  expect(wrapped).toHaveProperty("objectKey");
  expect(isObjectStorage(wrapped)).toBe(isObjectStorage(driver));
  await wrapped.close();
  expect(driver.closed).toBe(1);
});

driverContract("inmemory with middleware around it", {
  create: () => redirect("https://cdn.example").apply(createInMemoryDriver(), ports),
  destroy: (driver) => driver.close(),
});
