import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { listen } from "@longshore/testkit/loopback";
import { testFolder } from "@longshore/testkit/test-folder";
import { type StandIn, startStandIn } from "@longshore/testkit/s3/server";
import { verifyMiddleware, verifyStorage } from "../../src/cli/verify/verify-storage.js";
import { formatFinding } from "../../src/config/findings.js";
import { configOf } from "../config/support.js";

const requestOf = (patience: number) => ({ remote: true, patience, now: new Date() });

let server: StandIn;
let bucket: string;

beforeAll(async () => {
  server = await startStandIn();
  bucket = await server.newBucket();
});
afterAll(() => server.stop());

async function findings(more: Readonly<Record<string, unknown>>, patience = 10_000): Promise<string[]> {
  const { endpoint, region, accessKey, secretKey } = server;
  const s3 = {
    regionendpoint: endpoint,
    region,
    accesskey: accessKey,
    secretkey: secretKey,
    bucket,
    maxattempts: 2,
    ...more,
  };
  const config = configOf(stringify({ version: 0.1, storage: { s3 } }));
  return (await verifyStorage(config, requestOf(patience))).map(formatFinding);
}

describe("verify looks at the bucket", () => {
  it.each([
    ["https", (host: string) => `https://${host}`],
    ["no", (host: string) => host],
  ])("of a service that speaks plain HTTP behind an endpoint with %s scheme", async (_, write) => {
    const { host } = new URL(server.endpoint);
    expect(await findings({ regionendpoint: write(host) })).toEqual([
      expect.stringContaining(
        "the endpoint speaks plain HTTP: begin regionendpoint with http://, or set secure: false where it has no scheme",
      ),
    ]);
  });

  it("that is there, empty or not, and writes nothing", async () => {
    expect(await findings({})).toEqual([]);
    const operations = server.log.requests.map(({ operation }) => operation);
    expect(operations.filter((operation) => !/^(Head|List|Get)/.test(operation))).toEqual([]);
  });

  it.each<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
    [
      "that isn't there",
      { bucket: "missing" },
      /^storage\.s3: the bucket missing can't be used: .*NoSuchBucket.*; until it can, pushes and pulls fail$/,
    ],
    ["with wrong keys", { secretkey: "wrong" }, /can't be used: .*(denied|refus|credentials|SignatureDoesNotMatch)/i],
    [
      "of a service that is away",
      { regionendpoint: "http://127.0.0.1:9" },
      /can't be used: .*(ECONNREFUSED|failed|bad port)/,
    ],
  ])("%s", async (_, more, message) => {
    expect(await findings(more)).toEqual([expect.stringMatching(message)]);
  });

  it("of a service that doesn't respond, for a limited time", async () => {
    await using silent = await listen(createServer());
    expect(await findings({ regionendpoint: silent.url }, 300)).toEqual([
      expect.stringContaining("no answer within 0.3 s"),
    ]);
  });

  it("only where there is one", async () => {
    expect(await verifyStorage(configOf("version: 0.1\nstorage: inmemory\n"), requestOf(10_000))).toEqual([]);
  });
});

it("verify looks at the key that signs addresses of CloudFront", async () => {
  const folder = await testFolder();
  const check = async (storage: object, privatekey: string): Promise<string[]> => {
    const options = { baseurl: "cdn.example", privatekey, keypairid: "K2" };
    const text = stringify({ version: 0.1, storage, middleware: { storage: [{ name: "cloudfront", options }] } });
    return (await verifyMiddleware(configOf(text), requestOf(10_000))).map(formatFinding);
  };
  const write = async (name: string, type: "rsa" | "ec"): Promise<string> => {
    const pair =
      type === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
    await writeFile(join(folder, name), pair.privateKey.export({ type: "pkcs8", format: "pem" }));
    return join(folder, name);
  };
  const s3 = { s3: { bucket: "b", region: "eu-central-1" } };
  const path = "middleware.storage[0].options.privatekey";
  expect(await check(s3, await write("rsa.pem", "rsa"))).toEqual([]);
  expect(await check(s3, await write("ec.pem", "ec"))).toEqual([
    `${path}: ${folder}/ec.pem holds a key of type ec; CloudFront takes RSA keys here`,
  ]);
  expect(await check(s3, join(folder, "missing.pem"))).toEqual([
    `${path}: ${folder}/missing.pem can't be read (ENOENT)`,
  ]);
  expect(await check({ inmemory: {} }, join(folder, "missing.pem"))).toEqual([]);
});
