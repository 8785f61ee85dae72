import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { secretsIn } from "@longshore/options/secret";
import { root } from "../../src/config/schema/root.js";
import { child, shapeOf } from "@longshore/options/shape";
import { configOf, errorsOf, revealedOptions, warningsOf } from "./support.js";

const REQUIRED = { bucket: "b", region: "eu-central-1" };

function file(parameters: Readonly<Record<string, unknown>>, driver = "s3"): string {
  return stringify({ version: 0.1, storage: { [driver]: parameters } });
}

const storage = child(shapeOf(root), "storage");
const s3 = storage && child(shapeOf(storage), "s3");
const shape = s3 && shapeOf(s3);
const OPTIONS = shape?.kind === "struct" ? [...shape.fields.keys()] : [];

function infoOf(name: string) {
  const schema = shape && child(shape, name);
  const info = schema && shapeOf(schema).info;
  if (info === undefined) throw new Error(`${name} isn't documented`);
  return info;
}

function optionsOf(options: Readonly<Record<string, unknown>>) {
  return revealedOptions(configOf(file({ ...REQUIRED, ...options })));
}

describe("storage.s3", () => {
  it.each(["s3", "s3aws"])("is read under the name %s", (driver) => {
    const { storage } = configOf(file({ ...REQUIRED, encrypt: true, chunksize: 33_554_432 }, driver));
    expect([storage.type, storage.driver.kind]).toEqual([driver, "s3"]);
    expect(storage.driver.options).toMatchObject({ ...REQUIRED, encrypt: true, chunksize: 33_554_432 });
  });

  it("keeps its secrets out of everything that makes text of the configuration", () => {
    const config = configOf(file({ ...REQUIRED, accesskey: "hunter1", secretkey: "hunter2", sessiontoken: "hunter3" }));
    expect(JSON.stringify(config) + inspect(config, { depth: 9 })).not.toMatch(/hunter/);
    expect(revealedOptions(config)).toMatchObject({ accesskey: "hunter1", secretkey: "hunter2" });
  });

  it("takes an access key as written, even if YAML would read a number", () => {
    const config = configOf(
      "version: 0.1\nstorage: {s3: {bucket: b, region: us-east-1, accesskey: 0123, secretkey: s}}\n",
    );
    expect(revealedOptions(config)["accesskey"]).toBe("0123");
  });

  it("is set by the environment alone", () => {
    const config = configOf("version: 0.1\nstorage: inmemory\n", {
      REGISTRY_STORAGE: "s3",
      REGISTRY_STORAGE_S3_BUCKET: "b",
      REGISTRY_STORAGE_S3_REGIONENDPOINT: "http://s3:7070",
      REGISTRY_STORAGE_S3_FORCEPATHSTYLE: "true",
      REGISTRY_STORAGE_S3_SECRETKEY: "hunter2",
      REGISTRY_STORAGE_S3_ACCESSKEY: "a",
      REGISTRY_STORAGE_S3_CHUNKSIZE: "10485760",
    });
    expect(revealedOptions(config)).toMatchObject({
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
    [{ ...REQUIRED, secure: "maybe" }, 'config.yml:6: storage.s3.secure: found "maybe"; expected true or false'],
    [
      { ...REQUIRED, chunksize: 1024 },
      "config.yml:6: storage.s3.chunksize: found 1024; expected a whole number from 5242880 to 5368709120",
    ],
    [
      { ...REQUIRED, redirectexpiry: "8d" },
      'config.yml:6: storage.s3.redirectexpiry: found "8d"; expected a duration such as 30s or 20m, from 1s to 604800s',
    ],
    [
      { ...REQUIRED, secretkey: { not: "hunter2" } },
      "config.yml:7: storage.s3.secretkey: found a map; expected a string",
    ],
  ])("names the line of a mistake: %j", (parameters, message) => {
    expect(errorsOf(file(parameters))).toEqual([message]);
  });

  it("warns that half of the credentials are ignored", () => {
    expect(warningsOf(file({ ...REQUIRED, accesskey: "a" }))).toEqual([
      "config.yml:6: storage.s3.accesskey: ignored without secretkey: credentials are looked for where the AWS SDK does",
    ]);
  });
});

describe("what is documented of an option is what is read", () => {
  const withDefault = OPTIONS.filter((name) => /^\S+$/.test(infoOf(name).fallback ?? " "));

  it.each(withDefault)("default of %s", (name) => {
    const { fallback, type } = infoOf(name);
    const value = type === "integer" ? Number(fallback) : type === "boolean" ? fallback === "true" : fallback;
    expect(optionsOf({ [name]: value })).toEqual(optionsOf({}));
  });

  const bounded = OPTIONS.filter((name) => / from .* to /.test(infoOf(name).allowed));

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
      expect([value, errorsOf(file({ ...REQUIRED, [name]: spell(value) })).length === 0]).toEqual([value, fits]);
    }
  });

  const words = OPTIONS.filter((name) => infoOf(name).allowed.startsWith("one of "));

  it.each(words)("words of %s", (name) => {
    for (const word of [...infoOf(name).allowed.slice("one of ".length).split(", "), "nonsense"]) {
      const fits = word !== "nonsense";
      expect([word, errorsOf(file({ ...REQUIRED, [name]: word })).length === 0]).toEqual([word, fits]);
    }
  });

  it("even if Go reads it as a boolean", () => {
    for (const word of ["1", "t", "T", "TRUE", "True"]) expect(optionsOf({ encrypt: word })["encrypt"]).toBe(true);
    for (const word of ["0", "f", "False"]) expect(optionsOf({ secure: word })["secure"]).toBe(false);
    for (const word of ["maybe", "2", ""]) expect(errorsOf(file({ ...REQUIRED, secure: word }))).toHaveLength(1);
  });
});

it("all secrets of a configuration are known to its logs", () => {
  const text = `${file({ ...REQUIRED, accesskey: "hunter1", secretkey: "hunter2" })}http: {secret: hunter3}\n`;
  expect(secretsIn(configOf(text)).sort()).toEqual(["hunter1", "hunter2", "hunter3"]);
});
