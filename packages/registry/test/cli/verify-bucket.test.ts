import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { type StandIn, startStandIn } from "../../../../test/src/support/s3/server.js";
import { checkBucket } from "../../src/cli/verify-bucket.js";
import { checkFiles } from "../../src/cli/verify-files.js";
import { formatFinding } from "../../src/config/findings.js";
import { configOf } from "../config/support.js";

let server: StandIn;
let bucket: string;

beforeAll(async () => {
  server = await startStandIn();
  bucket = await server.newBucket();
});
afterAll(() => server.stop());

async function findings(more: Readonly<Record<string, unknown>>, patience?: number): Promise<string[]> {
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
  return (await checkBucket(config, patience)).map(formatFinding);
}

describe("verify looks at the bucket", () => {
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

  it("of a service that says nothing, for a while", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : 0;
    expect(await findings({ regionendpoint: `http://127.0.0.1:${port}` }, 300)).toEqual([
      expect.stringContaining("no answer within 0.3 s"),
    ]);
    silent.close();
  });

  it("only where there is one", async () => {
    expect(await checkBucket(configOf("version: 0.1\nstorage: inmemory\n"))).toEqual([]);
  });
});

it("verify looks at the key that signs addresses of CloudFront", async () => {
  const folder = await mkdtemp(join(tmpdir(), "registry-verify-"));
  const check = async (storage: object, privatekey: string): Promise<string[]> => {
    const options = { baseurl: "cdn.example", privatekey, keypairid: "K2" };
    const text = stringify({ version: 0.1, storage, middleware: { storage: [{ name: "cloudfront", options }] } });
    return (await checkFiles(configOf(text), new Date())).map(formatFinding);
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
  try {
    expect(await check(s3, await write("rsa.pem", "rsa"))).toEqual([]);
    expect(await check(s3, await write("ec.pem", "ec"))).toEqual([
      `${path}: ${folder}/ec.pem holds a key that isn't RSA; CloudFront takes RSA keys here`,
    ]);
    expect(await check(s3, join(folder, "missing.pem"))).toEqual([
      `${path}: ${folder}/missing.pem can't be read (ENOENT)`,
    ]);
    expect(await check({ inmemory: {} }, join(folder, "missing.pem"))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
