import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overlayEnvironment } from "../../src/config/environment.js";
import { interpret } from "../../src/config/interpret.js";
import { root } from "../../src/config/schema/root.js";
import { walkKeys } from "@longshore/options/shape";
import { parseYaml } from "../../src/config/yaml/parse.js";
import { configOf, MINIMAL, revealedOptions, warningsOf } from "./support.js";

type Path = readonly (string | number)[];

interface TextKey {
  readonly path: Path;
  readonly variable: string;
}

/** Every key of the schema that takes text and isn't refused when it is given. */
function textKeys(): TextKey[] {
  const found: TextKey[] = [];
  const names = new Map<string, string>();
  walkKeys(root, (path, { kind, info }) => {
    const own = info?.env ?? String(path.at(-1)).toUpperCase();
    const above = path.length === 1 ? "REGISTRY" : (names.get(JSON.stringify(path.slice(0, -1))) ?? "");
    names.set(JSON.stringify(path), `${above}_${own}`);
    // The index of a list is no key of its own.
    names.set(JSON.stringify([...path, 0]), `${above}_${own}_0`);
    if (kind === "text" && info?.unsupported === undefined) {
      found.push({ path, variable: names.get(JSON.stringify(path)) ?? "" });
    }
    return info?.unsupported === undefined;
  });
  return found;
}

const KEYS = textKeys();

function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Object.entries(found).find(([name]) => name === String(part))?.[1];
  }
  return found;
}

function readFile(text: string, path: Path): unknown {
  const { node, findings } = parseYaml(text, { file: "f" });
  if (!node) throw new Error(findings[0]?.message);
  return at(interpret(node, root).value, path);
}

function readVariable({ path, variable }: TextKey, value: string): unknown {
  const { node } = parseYaml("{}", { file: "f" });
  if (node?.kind !== "map") throw new Error("not a map");
  overlayEnvironment(node, root, { [variable]: value });
  return at(interpret(node, root).value, path);
}

/** A file with one key, in flow style. */
function fileWith(path: Path, scalar: string): string {
  return path.reduceRight<string>(
    (inner, part) => (typeof part === "number" ? `[ ${inner} ]` : `{ ${part}: ${inner} }`),
    scalar,
  );
}

/** What YAML 1.1 reads as something else, and Go's yaml.v2 gives to a string field as it is written. */
const LOOKS_LIKE = [
  "0123",
  "-0123",
  "0o17",
  "1e10",
  "1E5",
  "0x1F",
  "0b101",
  "1_000",
  "1__0_0",
  ".5",
  "5.",
  "+7",
  "-0",
  "1.50",
  "1:30",
  "190:20:30",
  "yes",
  "No",
  "on",
  "OFF",
  "y",
  "N",
  "true",
  "FALSE",
  ".inf",
  "-.Inf",
  ".NaN",
  "2001-12-14",
  "2001-12-14t21:59:43.10-05:00",
  "99999999999999999999",
  "0.1",
  "1.0e+3",
  "=",
];

const NULLS = ["~", "null", "Null", "NULL", ""];

describe("a string is taken as written", () => {
  it("for every string key, of which there are many", () => {
    const paths = KEYS.map(({ path }) => path.join("."));
    expect(paths.length).toBeGreaterThan(60);
    for (const path of [
      "storage.s3.accesskey",
      "storage.s3.bucket",
      "redis.password",
      "auth.htpasswd.realm",
      "http.secret",
    ])
      expect(paths).toContain(path);
  });

  it.each(LOOKS_LIKE)("%s, in the file and in a variable", (written) => {
    for (const key of KEYS) {
      expect(readFile(fileWith(key.path, written), key.path), key.variable).toBe(written);
      expect(readVariable(key, written), key.variable).toBe(written);
      expect(readFile(fileWith(key.path, JSON.stringify(written)), key.path)).toBe(written);
      expect(readVariable(key, JSON.stringify(written))).toBe(written);
    }
  });

  it.each([
    "abc #def",
    "#abc",
    "a: b",
    "a:",
    "- a",
    "-",
    "? x",
    "[a",
    "{a",
    "{a: b}",
    "[a, b]",
    "*a",
    "&a",
    "&a b",
    "!a",
    "!!b c",
    "@a",
    "`a",
    "%a",
    "'a",
    '"a',
    'a"',
    "'a' b",
    '"a" b',
    "| a",
    "> a",
    "|",
    ">",
    "---",
    "--- a",
    "#\n>",
    '--- "a"',
    "---\n'a'",
    "--- |",
    "&a 'b'",
    '&a "b"',
    "...",
    "%YAML 1.1",
    "a\\nb",
    "a\tb",
    ",",
    "a, b",
    "<<",
    "a\nb",
    "a\n\n#b",
    "${x}",
    "\u{1f511}",
    "x".repeat(5000),
  ])("%j in a variable", (written) => {
    for (const key of KEYS) expect(readVariable(key, written), key.variable).toBe(written);
  });

  it.each(NULLS)("but %j is nothing, as in Distribution", (written) => {
    for (const key of KEYS) {
      expect(readFile(fileWith(key.path, written), key.path)).toBeUndefined();
      expect(readVariable(key, written)).toBeUndefined();
      if (written !== "") expect(readVariable(key, `"${written}"`)).toBe(written);
    }
  });

  it("whatever it is, in a variable: only spaces around it, and YAML's quotes, are taken off", () => {
    const key = fc.constantFrom(...KEYS);
    const text = fc
      .oneof(fc.string(), fc.string({ unit: fc.constantFrom(...Array.from("#: -!&*[]{}|>'\"%@`,~0x1_e.ynof\n\t")) }))
      .filter((value) => !/^\s*(["'!|>]|$)/.test(value) && !NULLS.includes(value.trim()));
    fc.assert(
      fc.property(key, text, (each, value) => {
        expect(readVariable(each, value)).toBe(value.trim());
      }),
      { numRuns: 3000 },
    );
  });

  it("whatever it is, in quotes in the file", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KEYS), fc.string(), ({ path }, value) => {
        expect(readFile(fileWith(path, JSON.stringify(value)), path)).toBe(value);
      }),
      { numRuns: 500 },
    );
  });

  it("up to the driver: keys, bucket and region of S3, and a password of Redis", () => {
    const text = `version: 0.1
storage:
  s3: {accesskey: 0123, secretkey: 1_000, bucket: 1e10, region: us-east-1, rootdirectory: 0x1F}
  cache: {blobdescriptor: redis}
redis: {addrs: [":6379"], password: 1e3, username: yes}
`;
    const config = configOf(text, { REGISTRY_REDIS_SENTINELPASSWORD: "abc #def: [" });
    const { redis } = config;
    expect(revealedOptions(config)).toMatchObject({
      accesskey: "0123",
      secretkey: "1_000",
      bucket: "1e10",
      rootdirectory: "0x1F",
    });
    expect(redis).toMatchObject({ username: "yes" });
    expect(redis?.password?.reveal()).toBe("1e3");
    expect(redis?.sentinelPassword?.reveal()).toBe("abc #def: [");
  });

  it("while what takes another type is read as YAML", () => {
    const { log, catalog } = configOf(`${MINIMAL}log: {fields: {a: 0123}}\n`, {
      REGISTRY_LOG_FIELDS_B: "yes",
      REGISTRY_CATALOG_MAXENTRIES: "0x10 # sixteen",
    });
    expect(log.fields).toEqual({ a: 83, b: true });
    expect(catalog.maxentries).toBe(16);
  });
});

describe("warns about a fragment that YAML reads as a comment", () => {
  const CUT = /what follows # is a comment, not part of the value; put the value in quotes if # belongs to it$/;

  it.each([
    ["redis: {password: abc #def\n}", "redis.password"],
    ["redis:\n  password: abc # def", "redis.password"],
    ["redis:\n  password: #abc", "redis.password"],
    ["http:\n  secret: abc\t#def", "http.secret"],
    ["http:\n  headers:\n    X-A: [a #b\n      ]", "http.headers.X-A[0]"],
    ["http:\n  prefix: /a/ #b", "http.prefix"],
    ["log:\n  fields:\n    a: b #c", "log.fields.a"],
    ["notifications:\n  endpoints:\n    - url: http://a/ #b", "notifications.endpoints[0].url"],
  ])("%j", (section, path) => {
    const warnings = warningsOf(`${MINIMAL}${section}\n`).filter((line) =>
      line.endsWith("what follows # is a comment, not part of the value; put the value in quotes if # belongs to it"),
    );
    expect(warnings).toEqual([expect.stringContaining(`: ${path}: `)]);
    expect(warnings[0]).not.toMatch(/abc|def/);
  });

  it.each([
    "http:\n  prefix: /a/ # the path",
    "redis:\n  password: # from a variable",
    "redis:\n  password: 'abc' #def",
    "redis:\n  password: abc#def",
    "redis:\n  password: abc\n  #def",
    "log:\n  level: info #debug",
    "catalog:\n  maxentries: 5 #5",
    "http: #server\n  relativeurls: true #yes",
  ])("but not of %j", (section) => {
    expect(
      warningsOf(`${MINIMAL}${section}\n`).filter((line) =>
        line.endsWith("what follows # is a comment, not part of the value; put the value in quotes if # belongs to it"),
      ),
    ).toEqual([]);
  });

  it("also in a variable that holds a section", () => {
    expect(warningsOf(MINIMAL, { REGISTRY_HTTP: "prefix: /a/ #b" })).toEqual([expect.stringMatching(CUT)]);
    expect(warningsOf(MINIMAL, { REGISTRY_LOG_FIELDS_A: "b #c" })).toEqual([expect.stringMatching(CUT)]);
  });

  it("of which a variable with one text has none", () => {
    const environment = { REGISTRY_HTTP_SECRET: "abc #def" };
    expect(configOf(MINIMAL, environment).http.secret?.reveal()).toBe("abc #def");
    expect(warningsOf(MINIMAL, environment)).toEqual([]);
  });

  it("and a secret in a variable that YAML reads as null", () => {
    for (const word of ["~", "null"]) {
      expect(warningsOf(MINIMAL, { REGISTRY_HTTP_SECRET: word })).toEqual([
        "environment variable REGISTRY_HTTP_SECRET: http.secret: YAML reads this as no value; put it in quotes if it is meant literally",
      ]);
    }
    expect(warningsOf(MINIMAL, { REGISTRY_HTTP_SECRET: "" })).toEqual([]);
  });
});
