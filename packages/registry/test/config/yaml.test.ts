import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { plain } from "../../src/config/interpret.js";
import { parseYaml } from "../../src/config/yaml/parse.js";
import { locate } from "../../src/config/yaml/tree.js";
import { messages } from "./support.js";

function values(text: string): unknown {
  const { node, findings } = parseYaml(text, { file: "f" });
  if (!node) throw new Error(messages(findings).join("\n"));
  return plain(node);
}

describe("YAML 1.1 scalars (wire contract §3.1)", () => {
  it.each<[string, unknown]>([
    ["yes", true],
    ["Yes", true],
    ["y", true],
    ["on", true],
    ["ON", true],
    ["true", true],
    ["no", false],
    ["n", false],
    ["off", false],
    ["FALSE", false],
    ["yEs", "yEs"],
    ["'yes'", "yes"],
    ['"no"', "no"],
    ["0123", 83],
    ["-0123", -83],
    ["0o17", 15],
    ["0x1F", 31],
    ["0b101", 5],
    ["1_000", 1000],
    ["08", 8],
    ["12", 12],
    ["+12", 12],
    ["1.5", 1.5],
    ["1e3", 1000],
    [".5", 0.5],
    ["~", null],
    ["null", null],
    ["", null],
    ["''", ""],
    [".inf", Infinity],
    ["1:30", "1:30"],
    ["5000:5000", "5000:5000"],
    [":5000", ":5000"],
    ["2001-01-01", "2001-01-01"],
    ["168h", "168h"],
    ["0.1", 0.1],
    ["!!str 123", "123"],
    ["!!str yes", "yes"],
    ["!!int '12'", 12],
    ["|\n  yes\n", "yes\n"],
  ])("%j means %j", (text, expected) => expect(values(`key: ${text}`)).toEqual({ key: expected }));
});

describe("YAML maps", () => {
  it("uses the last of duplicate keys, with a warning", () => {
    const { node, findings } = parseYaml("a: 1\nb: 2\na: 3\n", { file: "f" });
    expect(node && plain(node)).toEqual({ a: 3, b: 2 });
    expect(messages(findings)).toEqual(["f:3: a: given more than once; the last one is used"]);
  });

  it("follows aliases and merge keys; the map's own keys win", () => {
    expect(values("x: &x {a: 1, b: 2}\ny: *x\nz:\n  b: 3\n  <<: *x\n")).toEqual({
      x: { a: 1, b: 2 },
      y: { a: 1, b: 2 },
      z: { a: 1, b: 3 },
    });
    expect(values("a: &a {k: 1}\nb: &b {k: 2, l: 2}\nc: {<<: [*a, *b]}\n")).toMatchObject({ c: { k: 1, l: 2 } });
  });

  it("knows the position of each value", () => {
    const { node } = parseYaml("a:\n  b:\n    - x\n    - y: 1\n", { file: "f" });
    expect(node && locate(node, ["a", "b", 1, "y"]).source).toEqual({ origin: "file", file: "f", line: 4, column: 7 });
  });

  it("reads an empty text as nothing, and a byte order mark as no text", () => {
    expect(values("")).toBeNull();
    expect(values("# nothing\n")).toBeNull();
    expect(values("\uFEFFa: 1\n")).toEqual({ a: 1 });
  });

  it("has no way to the prototype", () => {
    expect(Object.keys(values("__proto__: {polluted: 1}") as object)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("reads what a writer of YAML writes", () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie("tree"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        // A plain __proto__ key can't be compared by value.
        fc.pre(!JSON.stringify(value).includes("__proto__"));
        expect(values(stringify({ value }, { version: "1.1" }))).toEqual({ value });
      }),
    );
  });
});

describe("YAML that is refused", () => {
  const refuse = (text: string) => {
    const { node, findings } = parseYaml(text, { file: "f" });
    expect(node).toBeUndefined();
    return messages(findings)[0];
  };

  it.each([
    ["a: [1, 2\nb: 3", /^f:\d: not valid YAML: /],
    ["a: b: c", /^f:1: not valid YAML: /],
    ["\ta: 1", /^f:1: not valid YAML: /],
    ["a: *nowhere", /^f:1: a: not valid YAML: .*if it is meant literally, put it in quotes/],
    ["a: !!binary aGk=", /^f:1: a: this YAML tag isn't supported/],
    ["[a]: 1", /^f:1: a map or list can't be a key/],
  ])("%j", (text, expected) => expect(refuse(text)).toMatch(expected));

  it("an alias bomb, before it takes memory", () => {
    const levels = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (let letter = 1; letter < 10; letter++) {
      const [name, before] = [String.fromCharCode(97 + letter), String.fromCharCode(96 + letter)];
      levels.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(", ")}]`);
    }
    expect(refuse(levels.join("\n"))).toMatch(/more than 20000 values/);
  });

  it("a merge bomb", () => {
    const levels = ["a: &a {k: v}"];
    for (let index = 1; index < 40; index++)
      levels.push(`m${index}: &m${index} {<<: [${index === 1 ? "*a, *a" : `*m${index - 1}, *m${index - 1}`}]}`);
    expect(refuse(levels.join("\n"))).toMatch(/more than 20000 values/);
  });

  it("an alias within itself", () => expect(refuse("a: &a [*a]")).toMatch(/alias that contains itself/));
  it("YAML nested too deeply", () => expect(refuse("[".repeat(5000) + "]".repeat(5000))).toMatch(/nested/));
  it("an enormous text", () => expect(refuse(`a: ${"x".repeat(2 ** 20)}`)).toMatch(/too large/));

  it("shows no part of the text, which may be a secret", () => {
    for (const text of [
      "p: *hunter2",
      "p: @hunter2",
      'p: "hunter2',
      "p: hunter2: x",
      "p: %hunter2\n- hunter2",
      "hunter2",
    ]) {
      const { findings } = parseYaml(text, { variable: "REGISTRY_HTTP_SECRET" });
      expect(messages(findings).join()).not.toContain("hunter2");
    }
  });
});
