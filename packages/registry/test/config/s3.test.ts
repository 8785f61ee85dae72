import { readFile } from "node:fs/promises";
import { inspect } from "node:util";
import { parseS3Parameters } from "@longshore/storage";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { revealParameters } from "../../src/config/parameters.js";
import { secretsIn } from "../../src/config/secret.js";
import { S3_PARAMETERS, s3 } from "../../src/config/schema/s3.js";
import { child, shapeOf } from "../../src/config/schema/shape.js";
import { configOf, errorsOf, warningsOf } from "./support.js";

const REQUIRED = { bucket: "b", region: "eu-central-1" };

function file(parameters: Readonly<Record<string, unknown>>, driver = "s3"): string {
  return stringify({ version: 0.1, storage: { [driver]: parameters } });
}

function infoOf(name: string) {
  const schema = child(shapeOf(s3), name);
  const info = schema && shapeOf(schema).info;
  if (info === undefined) throw new Error(`${name} isn't documented`);
  return info;
}

/** What the driver makes of parameters, or what it says against them. */
function driverTakes(parameters: Readonly<Record<string, unknown>>): boolean {
  try {
    parseS3Parameters({ ...REQUIRED, ...parameters });
    return true;
  } catch {
    return false;
  }
}

describe("storage.s3", () => {
  it.each(["s3", "s3aws"])("is read under the name %s", (driver) => {
    const { type, parameters } = configOf(file({ ...REQUIRED, encrypt: true, chunksize: 33_554_432 }, driver)).storage;
    expect(type).toBe(driver);
    expect(parameters).toEqual({ ...REQUIRED, encrypt: true, chunksize: 33_554_432 });
  });

  it("keeps its secrets out of everything that makes text of the configuration", () => {
    const { storage } = configOf(
      file({ ...REQUIRED, accesskey: "hunter1", secretkey: "hunter2", sessiontoken: "hunter3" }),
    );
    expect(JSON.stringify(storage) + inspect(storage, { depth: 9 })).not.toMatch(/hunter/);
    expect(revealParameters(storage.parameters)).toMatchObject({ accesskey: "hunter1", secretkey: "hunter2" });
  });

  it("takes an access key that YAML reads as a number, as the original does", () => {
    const { storage } = configOf(
      "version: 0.1\nstorage: {s3: {bucket: b, region: us-east-1, accesskey: 0123, secretkey: s}}\n",
    );
    expect(revealParameters(storage.parameters)["accesskey"]).toBe("83");
  });

  it("is set by the environment alone", () => {
    const { storage } = configOf("version: 0.1\nstorage: inmemory\n", {
      REGISTRY_STORAGE: "s3",
      REGISTRY_STORAGE_S3_BUCKET: "b",
      REGISTRY_STORAGE_S3_REGIONENDPOINT: "http://s3:7070",
      REGISTRY_STORAGE_S3_FORCEPATHSTYLE: "true",
      REGISTRY_STORAGE_S3_SECRETKEY: "hunter2",
      REGISTRY_STORAGE_S3_ACCESSKEY: "a",
      REGISTRY_STORAGE_S3_CHUNKSIZE: "10485760",
    });
    expect(revealParameters(storage.parameters)).toEqual({
      bucket: "b",
      regionendpoint: "http://s3:7070",
      forcepathstyle: true,
      secretkey: "hunter2",
      accesskey: "a",
      chunksize: 10_485_760,
    });
  });

  it.each<readonly [Readonly<Record<string, unknown>>, string]>([
    [{ region: "eu-central-1" }, "config.yml:3: storage.s3.bucket: no bucket parameter provided"],
    [{ bucket: "b" }, "config.yml:3: storage.s3.region: no region parameter provided"],
    [{ ...REQUIRED, region: "nowhere" }, "config.yml:5: storage.s3.region: invalid region provided: nowhere"],
    [{ ...REQUIRED, secure: "maybe" }, 'config.yml:6: storage.s3.secure: found "maybe"; allowed: true or false'],
    [
      { ...REQUIRED, chunksize: 1024 },
      "config.yml:6: storage.s3.chunksize: found 1024; allowed: a whole number from 5242880 to 5368709120",
    ],
    [
      { ...REQUIRED, redirectexpiry: "8d" },
      'config.yml:6: storage.s3.redirectexpiry: found "8d"; allowed: a duration such as 30s or 20m, from 1s to 604800s',
    ],
    [
      { ...REQUIRED, secretkey: { not: "hunter2" } },
      "config.yml:7: storage.s3.secretkey: found a map; allowed: a text",
    ],
  ])("names the line of a mistake: %j", (parameters, message) => {
    expect(errorsOf(file(parameters))).toEqual([message]);
  });

  it("says that half of the credentials doesn't count", () => {
    expect(warningsOf(file({ ...REQUIRED, accesskey: "a" }))).toEqual([
      "config.yml:6: storage.s3.accesskey: ignored without secretkey: credentials are looked for where the AWS SDK does",
    ]);
  });
});

describe("what is documented is what the driver does", () => {
  it("for every parameter, and no other", async () => {
    const source = await readFile(new URL("../../../storage/src/drivers/s3/parameters.ts", import.meta.url), "utf8");
    // Every parameter is read by its name, and by nothing else in that file: `flagOf(raw, "secure", …)`, `time("…", …)`, `raw["…"]`.
    const read = [...source.matchAll(/(?:Of\(\s*raw,\s*|\btime\(|\braw\[)"([a-z0-9]+)"/g)].map(([, name]) => name);
    expect([...new Set(read)].sort()).toEqual([...S3_PARAMETERS].sort());
  });

  const withDefault = S3_PARAMETERS.filter((name) => /^\S+$/.test(infoOf(name).fallback ?? " "));

  it.each(withDefault)("default of %s", (name) => {
    const { fallback, type } = infoOf(name);
    const value = type === "integer" ? Number(fallback) : type === "boolean" ? fallback === "true" : fallback;
    expect(parseS3Parameters({ ...REQUIRED, [name]: value })).toEqual(parseS3Parameters(REQUIRED));
  });

  const bounded = S3_PARAMETERS.filter((name) => / from .* to /.test(infoOf(name).allowed));

  it.each(bounded)("bounds of %s", (name) => {
    const { allowed, type } = infoOf(name);
    const [, least = "", most = ""] = / from ([\d.]+)s? to ([\d.]+)/.exec(allowed) ?? [];
    const spell = (value: number): string | number => (type === "integer" ? value : `${value}s`);
    const step = type === "integer" ? 1 : 0.01;
    for (const [value, fits] of [
      [Number(least), true],
      [Number(most), true],
      [Number(least) - step, false],
      [Number(most) + step, false],
    ] as const) {
      // The largest part has to fit in the buffers.
      const parameters = { [name]: spell(value), ...(name === "chunksize" ? { uploadbuffers: 2 ** 40 } : {}) };
      expect([value, driverTakes(parameters)]).toEqual([value, fits]);
      expect([value, errorsOf(file({ ...REQUIRED, ...parameters })).length === 0]).toEqual([value, fits]);
    }
  });

  const words = S3_PARAMETERS.filter((name) => infoOf(name).allowed.startsWith("one of "));

  it.each(words)("words of %s", (name) => {
    for (const word of [...infoOf(name).allowed.slice("one of ".length).split(", "), "nonsense"]) {
      const fits = word !== "nonsense";
      expect([word, driverTakes({ [name]: word })]).toEqual([word, fits]);
      expect([word, errorsOf(file({ ...REQUIRED, [name]: word })).length === 0]).toEqual([word, fits]);
    }
  });

  it("also in what Go takes for a boolean", () => {
    for (const word of ["1", "t", "T", "TRUE", "True", "0", "f", "False", "maybe", "2", ""]) {
      expect([word, driverTakes({ secure: word })]).toEqual([
        word,
        errorsOf(file({ ...REQUIRED, secure: word })).length === 0,
      ]);
    }
  });
});

it("all secrets of a configuration are known to its logs", () => {
  const text = `${file({ ...REQUIRED, accesskey: "hunter1", secretkey: "hunter2" })}http: {secret: hunter3}\n`;
  expect(secretsIn(configOf(text)).sort()).toEqual(["hunter1", "hunter2", "hunter3"]);
});
