import { describe, expect, it } from "vitest";
import { createDriver } from "../../src/drivers/factory.js";
import { createKeys } from "../../src/drivers/objects/keys.js";
import { copySource } from "../../src/drivers/s3/context.js";
import { parseS3Options } from "./s3-subject.js";

const MIB = 1024 * 1024;
const AMAZON = { region: "us-west-1", bucket: "images" };
const OTHER = { regionendpoint: "http://minio:9000", bucket: "images" };

describe("the S3 driver's parameters", () => {
  it("have Distribution's defaults, and ours", () => {
    expect(parseS3Options(AMAZON)).toMatchObject({
      ...{ bucket: "images", region: "us-west-1", endpoint: undefined, secure: true, skipverify: false },
      ...{ usedualstack: false, accelerate: false, usefipsendpoint: false, credentials: undefined },
      ...{ rootdirectory: "", encryption: undefined, storageclass: "STANDARD", objectacl: "private", useragent: "" },
      ...{ loglevel: "off", chunksize: 10 * MIB, multipartcopychunksize: 32 * MIB, multipartcopymaxconcurrency: 100 },
      ...{ multipartcopythresholdsize: 32 * MIB, checksums: "when_required", uploadbuffers: 128 * MIB },
      ...{ redirectexpiry: 1_200_000, maxsockets: 256, maxattempts: 6, circuitthreshold: 20, circuittime: 5000 },
      ...{ connecttimeout: 5000, requesttimeout: 30_000, retrydeadline: 60_000 },
    });
  });

  it.each<readonly [unknown, string, string]>([
    [{ region: "us-east-1" }, "bucket", "no bucket parameter provided"],
    [{ bucket: "b" }, "region", "no region parameter provided"],
    [{ bucket: "b", region: "mars" }, "region", "invalid region provided: mars"],
    [{ ...AMAZON, encrypt: "yes" }, "encrypt", "Invalid input"],
    [{ ...AMAZON, secure: 1 }, "secure", "Invalid input"],
    [{ ...AMAZON, chunksize: "many" }, "chunksize", "Invalid input"],
    [{ ...AMAZON, chunksize: 5 * MIB - 1 }, "chunksize", "Invalid input"],
    [{ ...AMAZON, multipartcopychunksize: "32MB" }, "multipartcopychunksize", "Invalid input"],
    [{ ...AMAZON, multipartcopymaxconcurrency: 0 }, "multipartcopymaxconcurrency", "Invalid input"],
    [{ ...AMAZON, multipartcopythresholdsize: -1 }, "multipartcopythresholdsize", "Invalid input"],
    [{ ...AMAZON, storageclass: "COLD" }, "storageclass", "Invalid option"],
    [{ ...AMAZON, objectacl: "everybody" }, "objectacl", "Invalid option"],
    [{ ...AMAZON, objectacl: "Private" }, "objectacl", "Invalid option"],
    [
      { ...AMAZON, v4auth: false },
      "v4auth",
      "on Amazon S3 this storage driver can only be used with v4 authentication",
    ],
    [{ ...OTHER, v4auth: "false" }, "v4auth", "signatures of version 2, which are not available"],
    [
      { ...OTHER, regionendpoint: "ftp://host" },
      "regionendpoint",
      "the regionendpoint parameter should be a URL or a host",
    ],
    [{ ...OTHER, sessiontoken: "t" }, "sessiontoken", "the sessiontoken parameter needs accesskey and secretkey"],
    [{ ...AMAZON, redirectexpiry: "8760h" }, "redirectexpiry", "out of range"],
    [{ ...AMAZON, checksums: "md5" }, "checksums", "Invalid option"],
    [
      { ...AMAZON, accelerate: true, forcepathstyle: true },
      "accelerate",
      "accelerate can't be used together with forcepathstyle",
    ],
    [
      { ...AMAZON, usefipsendpoint: true, secure: false },
      "secure",
      "secure: false can't be used together with usefipsendpoint",
    ],
  ])("%j is refused for %s", async (parameters, option, message) => {
    expect(() => parseS3Options(parameters)).toThrow(message);
    await expect(createDriver("s3aws", parameters)).rejects.toMatchObject({
      name: "DriverParameterError",
      parameter: option,
    });
  });

  it("must be a map", async () => {
    await expect(createDriver("s3", ["bucket"])).rejects.toMatchObject({ name: "DriverParameterError" });
  });

  it("accept what YAML and variables provide", () => {
    const options = parseS3Options({
      ...AMAZON,
      ...{
        encrypt: "T",
        keyid: "k",
        chunksize: "5242880",
        storageclass: "standard_ia",
        secure: "0",
        rootdirectory: "5",
      },
      ...{ accesskey: "a", secretkey: "s", sessiontoken: "t", redirectexpiry: "1h30m", loglevel: "debugwithsigning" },
    });
    expect(options).toMatchObject({
      ...{ encryption: { keyid: "k" }, chunksize: 5 * MIB, storageclass: "STANDARD_IA", secure: false },
      ...{ rootdirectory: "5", redirectexpiry: 5_400_000, loglevel: "debugwithsigning" },
      credentials: { accessKey: "a", secretKey: "s", sessionToken: "t" },
    });
    expect(parseS3Options({ ...AMAZON, keyid: "k", storageclass: "none" })).toMatchObject({
      ...{ encryption: undefined, storageclass: "NONE" },
    });
    expect(parseS3Options({ ...AMAZON, accesskey: "a" }).credentials).toBeUndefined();
    for (const region of ["us-gov-west-1", "cn-north-1", "us-iso-east-1", "eu-isoe-west-1", "ap-southeast-7"]) {
      expect(parseS3Options({ ...AMAZON, region }).region).toBe(region);
    }
  });

  it.each([
    ["minio:9000", undefined, "https://minio:9000", true],
    ["http://10.0.0.1:9000/", undefined, "http://10.0.0.1:9000", true],
    ["https://s3.example.com", undefined, "https://s3.example.com", true],
    ["https://gateway.example.com/s3", undefined, "https://gateway.example.com/s3", true],
    ["https://s3.example.com", false, "https://s3.example.com", false],
    ["s3.eu-central-1.amazonaws.com", undefined, "https://s3.eu-central-1.amazonaws.com", false],
    ["https://oss-cn-hangzhou.aliyuncs.com", undefined, "https://oss-cn-hangzhou.aliyuncs.com", false],
    ["https://oss-cn-hangzhou.aliyuncs.com", true, "https://oss-cn-hangzhou.aliyuncs.com", true],
    ["https://notamazonaws.com", undefined, "https://notamazonaws.com", true],
  ])(
    "the endpoint %s with forcepathstyle %s is %s, path style %s",
    (regionendpoint, forcepathstyle, url, pathStyle) => {
      const { endpoint, region } = parseS3Options({ ...OTHER, regionendpoint, forcepathstyle });
      expect(endpoint).toEqual({ url, pathStyle });
      // Where Distribution signs for the region "<nil>" (wire contract §12.4).
      expect(region).toBe("us-east-1");
    },
  );

  it("give paths the same keys as in Distribution", () => {
    const path = "/docker/registry/v2/x";
    for (const [root, key] of [
      ["", "docker/registry/v2/x"],
      ["/", "docker/registry/v2/x"],
      ["/root/dir", "root/dir/docker/registry/v2/x"],
      ["root/dir//", "root/dir/docker/registry/v2/x"],
    ] as const) {
      const keys = createKeys(parseS3Options({ ...AMAZON, rootdirectory: root }).rootdirectory);
      expect(keys.of(path)).toBe(key);
      expect(keys.below(path)).toBe(`${key}/`);
      expect(keys.below("/")).toBe(key.slice(0, key.indexOf("docker")));
    }
    const options = { bucket: "bucket" };
    expect(copySource({ keys: createKeys("a b/ä"), options }, "/x")).toBe("bucket/a%20b/%C3%A4/x");
  });
});
