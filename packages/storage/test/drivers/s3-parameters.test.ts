import { describe, expect, it } from "vitest";
import { createDriver } from "../../src/drivers/factory.js";
import { createKeys } from "../../src/drivers/s3/keys.js";
import { parseS3Parameters } from "../../src/drivers/s3/parameters.js";

const MIB = 1024 * 1024;
const AMAZON = { region: "us-west-1", bucket: "images" };
const OTHER = { regionendpoint: "http://minio:9000", bucket: "images" };

describe("the S3 driver's parameters", () => {
  it("have the original's defaults, and ours", () => {
    expect(parseS3Parameters(AMAZON)).toEqual({
      ...{ bucket: "images", region: "us-west-1", endpoint: undefined, pathStyle: false, secure: true },
      ...{ skipVerify: false, dualStack: false, accelerate: false, fips: false, credentials: undefined },
      ...{ rootDirectory: "", encryption: undefined, storageClass: "STANDARD", acl: "private", userAgent: "" },
      ...{
        verbose: false,
        chunkSize: 10 * MIB,
        copyChunkSize: 32 * MIB,
        copyConcurrency: 100,
        copyThreshold: 32 * MIB,
      },
      ...{ checksums: "when_required", uploadBuffers: 128 * MIB, redirectExpiry: 1_200_000, maxSockets: 256 },
      ...{ connectTimeout: 5000, requestTimeout: 30_000, retryDeadline: 60_000, maxAttempts: 6 },
      ...{ circuitThreshold: 20, circuitTime: 5000 },
    });
  });

  it.each([
    [{ region: "us-east-1" }, "no bucket parameter provided"],
    [{ bucket: "b" }, "no region parameter provided"],
    [{ bucket: "b", region: "mars" }, "invalid region provided: mars"],
    [{ ...AMAZON, encrypt: "yes" }, "the encrypt parameter should be a boolean"],
    [{ ...AMAZON, secure: 1 }, "the secure parameter should be a boolean"],
    [{ ...AMAZON, chunksize: "many" }, "chunksize parameter must be an integer, many invalid"],
    [
      { ...AMAZON, chunksize: 5 * MIB - 1 },
      "the chunksize 5242879 parameter should be a number between 5242880 and 5368709120 (inclusive)",
    ],
    [
      { ...AMAZON, multipartcopychunksize: "32MB" },
      "the multipartcopychunksize 32 parameter should be a number between 5242880 and 5368709120 (inclusive)",
    ],
    [{ ...AMAZON, multipartcopymaxconcurrency: 0 }, "the multipartcopymaxconcurrency 0 parameter should be a number"],
    [{ ...AMAZON, multipartcopythresholdsize: -1 }, "should be a number between 0 and 5368709120 (inclusive)"],
    [{ ...AMAZON, storageclass: "COLD" }, "the storageclass parameter must be one of [NONE STANDARD"],
    [{ ...AMAZON, objectacl: "everybody" }, "invalid value for objectacl parameter: everybody"],
    [{ ...AMAZON, v4auth: false }, "on Amazon S3 this storage driver can only be used with v4 authentication"],
    [{ ...OTHER, v4auth: "false" }, "signatures of version 2, which are not available"],
    [{ ...OTHER, regionendpoint: "ftp://host" }, "the regionendpoint parameter should be a URL or a host"],
    [{ ...OTHER, sessiontoken: "t" }, "the sessiontoken parameter needs accesskey and secretkey"],
    [{ ...AMAZON, redirectexpiry: "8760h" }, "the redirectexpiry parameter should be a duration such as 30s or 20m"],
    [{ ...AMAZON, checksums: "md5" }, "the checksums parameter must be one of [when_required when_supported]"],
    [{ ...AMAZON, accelerate: true, forcepathstyle: true }, "accelerate can't be used together with forcepathstyle"],
    [{ ...AMAZON, usefipsendpoint: true, secure: false }, "secure: false can't be used together with usefipsendpoint"],
    [["bucket"], "the parameters are not a map"],
  ])("%j is refused: %s", async (parameters, message) => {
    expect(() => parseS3Parameters(parameters)).toThrow(message);
    await expect(createDriver("s3aws", parameters)).rejects.toMatchObject({ name: "DriverParameterError" });
  });

  it("read what YAML and variables bring", () => {
    const options = parseS3Parameters({
      ...AMAZON,
      ...{ encrypt: "T", keyid: "k", chunksize: "5242880", storageclass: "standard_ia", secure: "0", rootdirectory: 5 },
      ...{ accesskey: "a", secretkey: "s", sessiontoken: "t", redirectexpiry: "1h30m", loglevel: "debugwithsigning" },
    });
    expect(options).toMatchObject({
      ...{ encryption: { keyId: "k" }, chunkSize: 5 * MIB, storageClass: "STANDARD_IA", secure: false },
      ...{ rootDirectory: "5", redirectExpiry: 5_400_000, verbose: true },
      credentials: { accessKey: "a", secretKey: "s", sessionToken: "t" },
    });
    expect(parseS3Parameters({ ...AMAZON, keyid: "k", storageclass: "NONE", loglevel: true })).toMatchObject({
      ...{ encryption: undefined, storageClass: undefined, verbose: false },
    });
    expect(parseS3Parameters({ ...AMAZON, accesskey: "a" }).credentials).toBeUndefined();
    for (const region of ["us-gov-west-1", "cn-north-1", "us-iso-east-1", "eu-isoe-west-1", "ap-southeast-7"]) {
      expect(parseS3Parameters({ ...AMAZON, region }).region).toBe(region);
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
      const { endpoint, region } = parseS3Parameters({ ...OTHER, regionendpoint, forcepathstyle });
      expect(endpoint).toEqual({ url, pathStyle });
      // Where the original signs for the region "<nil>" (contract §12.4).
      expect(region).toBe("us-east-1");
    },
  );

  it("make the original's keys of paths", () => {
    const path = "/docker/registry/v2/x";
    for (const [root, key] of [
      ["", "docker/registry/v2/x"],
      ["/", "docker/registry/v2/x"],
      ["/root/dir", "root/dir/docker/registry/v2/x"],
      ["root/dir//", "root/dir/docker/registry/v2/x"],
    ] as const) {
      const keys = createKeys(parseS3Parameters({ ...AMAZON, rootdirectory: root }).rootDirectory);
      expect(keys.of(path)).toBe(key);
      expect(keys.below(path)).toBe(`${key}/`);
      expect(keys.below("/")).toBe(key.slice(0, key.indexOf("docker")));
    }
    expect(createKeys("a b/ä").copySource("bucket", "/x")).toBe("bucket/a%20b/%C3%A4/x");
  });
});
