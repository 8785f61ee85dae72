import { describe, expect, it } from "vitest";
import { compileRules } from "../../src/rules/compile.js";
import { repository, subject } from "./support.js";

const catalog = { type: "registry", name: "catalog", actions: ["*"] };
const somebody = subject({ account: "jane" });
const nobody = subject({ account: "" });

describe("the simple form", () => {
  const rules = compileRules([
    { name: "reader", type: "repository", action: ["pull"] },
    { name: "admin", type: "registry", action: ["pull", "push", "delete"], comment: "everything" },
    { name: "ci-*", type: "repository", repository: "team/*", action: ["pull", "push"] },
    { name: "/^root$/", type: "registry", action: "*" },
    { name: "blind", type: "registry", action: ["push"] },
    { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
    { name: "*", type: "repository", repository: "public/*", action: ["pull"] },
  ]);

  it.each([
    ["reader", "a/b", ["pull"]],
    ["admin", "a/b", ["delete", "pull", "push"]],
    ["ci-1", "team/x", ["pull", "push"]],
    ["ci-1", "other/x", []],
    ["root", "a/b/c", ["delete", "pull", "push"]],
    ["blind", "a", ["push"]],
    ["", "public/x", ["pull"]],
    ["", "a/b", []],
    ["jane", "public/x", ["pull"]],
    ["jane", "a/b", []],
    // An account of that name is somebody.
    ["anonymous", "public/x", ["pull"]],
  ])("%s at %s may %j", (account, name, granted) => {
    expect(rules.granted(subject({ account }), repository(name, "pull", "push", "delete"))).toEqual(granted);
  });

  it.each([
    ["reader", []],
    ["admin", ["*"]],
    ["root", ["*"]],
    ["blind", []],
    ["", []],
    ["jane", []],
  ])("%s sees of the catalog %j", (account, granted) => {
    expect(rules.granted(subject({ account }), catalog)).toEqual(granted);
  });

  it("means nobody who didn't log in by a star", () => {
    const starred = compileRules([{ name: "*", type: "registry", action: ["*"] }]);
    expect(starred.granted(nobody, repository("a", "pull"))).toEqual([]);
    expect(starred.granted(somebody, repository("a", "pull"))).toEqual(["pull"]);
    expect(starred.admitsAnonymous).toBe(false);
    const both = compileRules([
      { name: "*", type: "registry", action: ["*"] },
      { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
    ]);
    expect(both.granted(nobody, repository("public/a", "pull", "push"))).toEqual(["pull"]);
    expect(both.granted(nobody, repository("a", "pull", "push"))).toEqual([]);
    expect(both.granted(nobody, catalog)).toEqual([]);
  });

  it("means nobody who logged in by anonymous", () => {
    const rules = compileRules([{ name: "anonymous", type: "registry", action: ["pull"] }]);
    expect(rules.granted(somebody, repository("a", "pull"))).toEqual([]);
  });

  it("mixes with the other grammar in one list", () => {
    const mixed = compileRules([
      { match: { account: "jane", name: "secret" }, actions: [] },
      { name: "jane", type: "repository", action: ["pull"] },
    ]);
    expect(mixed.decide(somebody, repository("secret", "pull"))).toEqual({ actions: [], entry: 0 });
    expect(mixed.decide(somebody, repository("open", "pull"))).toEqual({ actions: ["pull"], entry: 1 });
  });
});

describe("those who don't log in", () => {
  it.each([
    ["a rule for everybody", [{ match: {}, actions: ["*"] }], false],
    ["a star", [{ match: { account: "*" }, actions: ["*"] }], false],
    ["an address", [{ match: { ip: "127.0.0.1" }, actions: ["*"] }], false],
    ["a denial", [{ match: { account: "" }, actions: [] }], false],
    ["the empty name", [{ match: { account: "" }, actions: ["pull"] }], true],
    ["the name in the simple form", [{ name: "anonymous", type: "registry", action: ["pull"] }], true],
    ["the name with nothing", [{ name: "anonymous", type: "registry", action: [] }], false],
    [
      "the empty name behind a denial",
      [
        { match: { account: "" }, actions: [] },
        { match: { account: "" }, actions: ["pull"] },
      ],
      false,
    ],
    [
      "the empty name behind a denial of one name",
      [
        { match: { account: "", name: "x" }, actions: [] },
        { match: { account: "" }, actions: ["pull"] },
      ],
      true,
    ],
    [
      "the name behind a rule for everybody",
      [
        { match: {}, actions: ["pull"] },
        { name: "anonymous", type: "registry", action: ["pull"] },
      ],
      true,
    ],
    [
      "the name behind a denial of everybody",
      [
        { match: {}, actions: [] },
        { name: "anonymous", type: "registry", action: ["pull"] },
      ],
      false,
    ],
    ["an account that is so called", [{ match: { account: "anonymous" }, actions: ["*"] }], false],
  ])("%s: %s", (_title, entries, admitted) => {
    const rules = compileRules(entries);
    expect(rules.admitsAnonymous).toBe(admitted);
    if (!admitted)
      expect(rules.granted(subject({ account: "", ip: "127.0.0.1" }), repository("a", "pull"))).toEqual([]);
  });

  it("are held against the whole list where an entry names them", () => {
    const rules = compileRules([
      { match: { ip: "10.0.0.0/8" }, actions: ["*"] },
      { match: { account: "", name: "public/*" }, actions: ["pull"] },
    ]);
    expect(rules.granted(subject({ account: "", ip: "10.1.1.1" }), repository("private", "push"))).toEqual(["push"]);
  });
});

describe("actions", () => {
  it.each([
    [["*"], ["push", "pull"], ["pull", "push"]],
    [["*"], ["*"], ["*"]],
    [["pull", "push"], ["*"], []],
    [["*", "pull"], ["push"], []],
    [
      ["*", "pull"],
      ["*", "pull"],
      ["*", "pull"],
    ],
    [["push", "pull"], ["pull", "pull", "delete"], ["pull"]],
    [[], ["pull"], []],
  ])("%j of what is wanted, %j: %j", (actions, wanted, granted) => {
    expect(compileRules([{ match: {}, actions }]).granted(somebody, repository("a", ...wanted))).toEqual(granted);
  });
});

describe("what must not be said in patterns by others", () => {
  it("takes a certificate's label values as text", () => {
    const rules = compileRules([{ match: { name: "${labels:OU}/*" }, actions: ["pull"] }]);
    const star = subject({ labels: { OU: ["*"] } });
    expect(rules.granted(star, repository("any/thing", "pull"))).toEqual([]);
    expect(rules.granted({ ...star, labelSyntax: "pattern" }, repository("any/thing", "pull"))).toEqual(["pull"]);
  });

  it("never makes a regular expression of an account between slashes", () => {
    const rules = compileRules([{ match: { name: "${account}" }, actions: ["pull"] }]);
    expect(rules.granted(subject({ account: "/a/" }), repository("banana", "pull"))).toEqual([]);
  });

  it("denies when a question would cost too much, rather than pass over the rule", () => {
    const values = Array.from({ length: 20 }, (_, index) => `v${index}`);
    const rules = compileRules([
      { match: { name: "${labels:a}${labels:b}" }, actions: [] },
      { match: {}, actions: ["pull"] },
    ]);
    const many = subject({ labels: { a: values, b: values } });
    expect(rules.decide(many, repository("other", "pull"))).toEqual({ actions: [], entry: 0 });
    const few = subject({ labels: { a: values.slice(0, 10), b: values.slice(0, 10) } });
    expect(rules.decide(few, repository("v1v2", "pull"))).toEqual({ actions: [], entry: 0 });
    expect(rules.decide(few, repository("other", "pull"))).toEqual({ actions: ["pull"], entry: 1 });
    const long = compileRules([{ match: { labels: { a: "/${name}/" } }, actions: ["*"] }]);
    expect(long.granted(many, repository("x".repeat(9000), "pull"))).toEqual([]);
  });

  it("answers regular expressions that backtracking would drown in", () => {
    const rules = compileRules([{ match: { name: "/^(a+)+$/" }, actions: ["pull"] }]);
    const started = process.cpuUsage();
    expect(rules.granted(somebody, repository(`${"a".repeat(5000)}b`, "pull"))).toEqual([]);
    expect(process.cpuUsage(started).user).toBeLessThan(5_000_000);
  });
});
