import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { chooseDriver } from "../../src/drivers/factory.js";
import { keyOf } from "../../src/drivers/gcs/key.js";
import { parseGcsOptions } from "./gcs-subject.js";

const MIB = 1024 * 1024;
const BUCKET = { bucket: "images" };
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const KEY = { type: "service_account", client_email: "a@b.example", private_key: PEM, private_key_id: "1" };
const request = { remote: false, patience: 0, now: new Date() };

describe("the GCS driver's parameters", () => {
  it("have Distribution's defaults, and ours", () => {
    expect(parseGcsOptions(BUCKET)).toMatchObject({
      ...{ bucket: "images", rootdirectory: "", serviceurl: "https://storage.googleapis.com", useragent: "" },
      ...{ login: { by: "environment" }, chunksize: 16 * MIB, maxconcurrency: 50, uploadbuffers: 128 * MIB },
      ...{ redirectexpiry: 1_200_000, requesttimeout: 30_000, retrydeadline: 60_000, maxattempts: 6 },
    });
    expect(parseGcsOptions({ ...BUCKET, maxconcurrency: 3 }).maxconcurrency).toBe(25);
    expect(parseGcsOptions({ ...BUCKET, chunksize: "262144" }).chunksize).toBe(262_144);
  });

  it.each<readonly [unknown, string, RegExp]>([
    [{}, "bucket", /no bucket/],
    [{ ...BUCKET, chunksize: 262_143 }, "chunksize", /Invalid/],
    [{ ...BUCKET, chunksize: 262_145 }, "chunksize", /a multiple of 262144/],
    [{ ...BUCKET, serviceurl: "storage.googleapis.com" }, "serviceurl", /should be a URL/],
    [{ ...BUCKET, credentials: "key.json" }, "credentials", /Invalid/],
  ])("%o is refused", (given, option, message) => {
    const choose = (): unknown => chooseDriver("gcs", given);
    expect(choose).toThrow(message);
    expect(choose).toThrow(expect.objectContaining({ name: "DriverParameterError", parameter: option }));
  });

  it("name a key, in a file or as it is, of which no message shows anything", async () => {
    await using folder = await makeTemporaryFolder("gcs");
    const keyfile = join(folder.path, "key.json");
    await writeFile(keyfile, JSON.stringify({ ...KEY, project_id: "p" }));
    for (const given of [{ keyfile }, { credentials: { ...KEY, project_id: "p" } }, { keyfile, credentials: KEY }]) {
      const chosen = chooseDriver("gcs", { ...BUCKET, ...given });
      expect(await chosen.verify(request)).toEqual([]);
      expect(chosen.identity).toBe('["https://storage.googleapis.com","images",""]');
      expect(await keyOf(parseGcsOptions({ ...BUCKET, ...given }).login)).toMatchObject({
        ...{ email: "a@b.example", id: "1", tokenUri: "https://oauth2.googleapis.com/token" },
      });
    }
    expect(chooseDriver("gcs", { ...BUCKET, keyfile, credentials: KEY }).remarks).toMatchObject([
      { severity: "warning", path: ["credentials"] },
    ]);
    for (const [content, message] of [
      [JSON.stringify({ ...KEY, type: "external_account" }), /of the type external_account: .*leave keyfile out/],
      [JSON.stringify({ type: "service_account" }), /has no client_email/],
      [JSON.stringify({ ...KEY, private_key: "MIIE" }), /no RSA key in PEM/],
      [PEM, /isn't what a key file/],
    ] as const) {
      await writeFile(keyfile, content);
      const chosen = chooseDriver("gcs", { ...BUCKET, keyfile });
      const remark = { severity: "error", path: ["keyfile"], message: expect.stringMatching(message) as string };
      expect(await chosen.verify(request)).toEqual([remark]);
      const refused: unknown = await chosen.open().catch((error: unknown) => error);
      expect(refused).toMatchObject({
        name: "DriverParameterError",
        message: expect.stringMatching(message) as string,
      });
      expect(String(refused)).not.toContain(PEM.slice(40, 80));
    }
    await expect(chooseDriver("gcs", { ...BUCKET, keyfile: "/nowhere/key.json" }).open()).rejects.toThrow(/ENOENT/);
  });
});
