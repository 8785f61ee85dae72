import { createVerify, generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canRedirect, type StorageDriver } from "../../src/contract/driver.js";
import { openCloudfront } from "../../src/drivers/middleware/cloudfront.js";
import type { CloudfrontOptions } from "../../src/drivers/middleware/cloudfront-options.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { serveHttp } from "@longshore/testkit/loopback";
import { addressed } from "./support.js";

const PATH = "/docker/registry/v2/blobs/sha256/ab/abc/data";
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const LIST = JSON.stringify({
  syncToken: "1",
  prefixes: [
    { ip_prefix: "3.5.140.0/22", region: "ap-northeast-2", service: "AMAZON", network_border_group: "ap-northeast-2" },
    { ip_prefix: "52.94.0.0/16", region: "us-east-1", service: "S3" },
    { ip_prefix: "nonsense", region: "us-east-1", service: "S3" },
  ],
  ipv6_prefixes: [{ ipv6_prefix: "2600:1f00::/24", region: "us-east-1", service: "EC2" }],
});

let folder: string;
let key: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longshore-cloudfront-"));
  key = join(folder, "pkcs1.pem");
  await writeFile(key, rsa.privateKey.export({ type: "pkcs1", format: "pem" }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function options(more: Partial<CloudfrontOptions> = {}): CloudfrontOptions {
  return {
    baseurl: "https://d111.cloudfront.net/",
    privatekey: key,
    keypairid: "K2JCJMDEHXQW5F",
    duration: 60_000,
    awsClients: undefined,
    ipfilteredby: "none",
    updatefrequency: 3_600_000,
    iprangesurl: "http://127.0.0.1:9/",
    ...more,
  };
}

interface Opened {
  urlFor(clientAddress?: string): Promise<string>;
  readonly warnings: readonly string[];
  readonly driver: StorageDriver;
}

async function open(
  more: Partial<CloudfrontOptions> = {},
  below: StorageDriver = addressed(),
): Promise<Opened & AsyncDisposable> {
  const warnings: string[] = [];
  const driver = await openCloudfront(below, options(more), { warn: (message) => void warnings.push(message) });
  return {
    driver,
    warnings,
    urlFor: async (clientAddress) => {
      if (!canRedirect(driver)) throw new Error("gives out no addresses");
      return (await driver.redirectUrl(PATH, { method: "GET", clientAddress })) ?? "";
    },
    [Symbol.asyncDispose]: () => driver.close(),
  };
}

/** As CloudFront does: the canned policy consists of the address and its expiry. */
function isSigned(url: string): boolean {
  const { origin, pathname, searchParams } = new URL(url);
  const expires = Number(searchParams.get("Expires"));
  const policy = `{"Statement":[{"Resource":"${origin}${pathname}","Condition":{"DateLessThan":{"AWS:EpochTime":${expires}}}}]}`;
  const signature = (searchParams.get("Signature") ?? "")
    .replaceAll("-", "+")
    .replaceAll("_", "=")
    .replaceAll("~", "/");
  return createVerify("RSA-SHA1").update(policy).verify(rsa.publicKey, signature, "base64");
}

describe("signed addresses", () => {
  it("name the object, the key and their expiry", async () => {
    await using cloudfront = await open();
    const before = Math.floor(Date.now() / 1000);
    const url = new URL(await cloudfront.urlFor());
    expect(url.origin + url.pathname).toBe(`https://d111.cloudfront.net/root${PATH}`);
    expect([...url.searchParams.keys()].sort()).toEqual(["Expires", "Key-Pair-Id", "Signature"]);
    expect(url.searchParams.get("Key-Pair-Id")).toBe("K2JCJMDEHXQW5F");
    expect(Number(url.searchParams.get("Expires"))).toBeGreaterThanOrEqual(before + 60);
    expect(Number(url.searchParams.get("Expires"))).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000) + 60);
    expect(cloudfront.warnings).toEqual([]);
  });

  it("verify with the public key, unless anything is changed", async () => {
    await using cloudfront = await open();
    const url = await cloudfront.urlFor();
    expect(isSigned(url)).toBe(true);
    expect(isSigned(url.replace("/abc/", "/abd/"))).toBe(false);
    expect(isSigned(url.replace(/Expires=\d/, "Expires=9"))).toBe(false);
  });

  it.each([
    ["https://cdn.example", "https://cdn.example/root"],
    ["http://cdn.example:8080/below/", "http://cdn.example:8080/below/root"],
  ])("begin with %s", async (baseurl, expected) => {
    await using cloudfront = await open({ baseurl });
    const url = await cloudfront.urlFor();
    expect(url.startsWith(`${expected}${PATH}?`)).toBe(true);
    expect(isSigned(url)).toBe(true);
  });

  it("are signed as a client sends them", async () => {
    await using cloudfront = await open({}, addressed("a b%41"));
    const url = await cloudfront.urlFor();
    expect(url).toContain(`/a%20b%2541${PATH}?`);
    expect(isSigned(url)).toBe(true);
  });

  it("can be signed with a PKCS#8 key", async () => {
    const privatekey = join(folder, "pkcs8.pem");
    await writeFile(privatekey, rsa.privateKey.export({ type: "pkcs8", format: "pem" }));
    await using cloudfront = await open({ privatekey });
    expect(isSigned(await cloudfront.urlFor())).toBe(true);
  });
});

describe("a broken configuration", () => {
  it.each([
    ["missing.pem", undefined, /missing\.pem can't be read \(ENOENT\)/],
    ["nothing.pem", "nothing", /nothing\.pem holds no private key; expected an RSA key in PEM without a passphrase/],
    [
      "public.pem",
      rsa.publicKey.export({ type: "pkcs1", format: "pem" }).toString(),
      /public\.pem holds no private key/,
    ],
    [
      "ec.pem",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "sec1", format: "pem" }).toString(),
      /ec\.pem holds a key of type ec; CloudFront takes RSA keys here/,
    ],
  ])("the private key in %s", async (name, text, message) => {
    const privatekey = join(folder, name);
    if (text !== undefined) await writeFile(privatekey, text);
    await expect(open({ privatekey })).rejects.toMatchObject({
      name: "DriverParameterError",
      parameter: "privatekey",
      message: expect.stringMatching(message) as string,
    });
  });

  it("changes nothing over storage that isn't S3, and says so", async () => {
    const driver = createInMemoryDriver();
    await using cloudfront = await open({}, driver);
    expect(cloudfront.driver).toBe(driver);
    expect(cloudfront.warnings).toEqual([
      "cloudfront: has no effect, since it doesn't support the storage driver inmemory",
    ]);
  });
});

describe("clients in AWS", () => {
  const isS3 = (url: string): boolean => url.startsWith("https://s3.example:8443/");

  it("get the address of S3, for all regions or some", async () => {
    await using lists = await serveHttp((_, response) => response.end(LIST));
    await using all = await open({ awsClients: { regions: undefined }, iprangesurl: `${lists.url}/ip-ranges.json` });
    await expect.poll(async () => isS3(await all.urlFor("52.94.1.2"))).toBe(true);
    expect(isS3(await all.urlFor("3.5.143.255"))).toBe(true);
    expect(isS3(await all.urlFor("2600:1f18:1::9"))).toBe(true);
    for (const outside of ["3.5.144.0", "203.0.113.9", "2a00::1", "nonsense", undefined]) {
      expect(isSigned(await all.urlFor(outside))).toBe(true);
    }
    await using some = await open({
      awsClients: { regions: ["AP-Northeast-2"] },
      iprangesurl: `${lists.url}/ip-ranges.json`,
    });
    await expect.poll(async () => isS3(await some.urlFor("3.5.140.1"))).toBe(true);
    expect(isS3(await some.urlFor("52.94.1.2"))).toBe(false);
    expect([...all.warnings, ...some.warnings]).toEqual([]);
  });

  it("are refreshed periodically; a bad answer keeps the known ranges and is reported once", async () => {
    let answer = LIST;
    let asked = 0;
    await using lists = await serveHttp((_, response) => {
      asked += 1;
      response.statusCode = answer === "" ? 500 : 200;
      response.end(answer);
    });
    await using cloudfront = await open({
      awsClients: { regions: undefined },
      iprangesurl: lists.url,
      updatefrequency: 10,
    });
    await expect.poll(async () => isS3(await cloudfront.urlFor("52.94.1.2"))).toBe(true);
    for (const bad of ["", "not JSON", '{"prefixes": 1}', '{"prefixes": []}']) {
      answer = bad;
      const before = asked;
      await expect.poll(() => asked).toBeGreaterThan(before + 2);
      expect(isS3(await cloudfront.urlFor("52.94.1.2"))).toBe(true);
    }
    expect(cloudfront.warnings).toEqual([
      `cloudfront: the list of AWS's networks can't be fetched from ${lists.url} (status 500); the networks fetched before still count`,
    ]);
    answer = LIST.replace("52.94.0.0/16", "52.95.0.0/16");
    await expect.poll(async () => isS3(await cloudfront.urlFor("52.95.1.2"))).toBe(true);
    expect(isS3(await cloudfront.urlFor("52.94.1.2"))).toBe(false);
  });

  it("are unknown while the list can't be fetched: the start continues, and all get CloudFront", async () => {
    const gone = await serveHttp(() => undefined);
    await gone[Symbol.asyncDispose]();
    await using cloudfront = await open({ awsClients: { regions: undefined }, iprangesurl: gone.url });
    await expect.poll(() => cloudfront.warnings).toHaveLength(1);
    expect(cloudfront.warnings[0]).toMatch(
      /ECONNREFUSED.*; until it can, clients in AWS are sent to CloudFront like all others$/,
    );
    expect(isSigned(await cloudfront.urlFor("52.94.1.2"))).toBe(true);
  });

  it("don't delay closing with a fetch that hangs", async () => {
    let begun: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (begun = resolve));
    await using lists = await serveHttp(() => begun());
    const cloudfront = await open({ awsClients: { regions: undefined }, iprangesurl: lists.url });
    await asked;
    await cloudfront.driver.close();
    expect(cloudfront.warnings).toEqual([]);
  });

  it("aren't read from an endless list", async () => {
    let sent = 0;
    await using lists = await serveHttp((_, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 32);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += 1;
        sent += 1;
      };
      response.on("drain", more);
      more();
    });
    await using cloudfront = await open({ awsClients: { regions: undefined }, iprangesurl: lists.url });
    await expect.poll(() => cloudfront.warnings).toHaveLength(1);
    expect(cloudfront.warnings[0]).toContain("more than 33554432 bytes");
    expect(sent).toBeLessThan(64);
  });
});
