import { describe, expect, it } from "vitest";
import { compileRules } from "../../src/rules/compile-rules.js";
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
    // An account of that name is not anonymous.
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
  ])("%s sees %j in the catalog", (account, granted) => {
    expect(rules.granted(subject({ account }), catalog)).toEqual(granted);
  });

  it("doesn't match anonymous users with a star", () => {
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

  it("matches everyone with anonymous", () => {
    const rules = compileRules([
      { name: "anonymous", type: "registry", action: ["pull"] },
      { name: "jane", type: "repository", repository: "jane/*", action: ["push"] },
    ]);
    const everything = ["pull", "push", "delete"] as const;
    expect(rules.granted(somebody, repository("a", ...everything))).toEqual(["pull"]);
    expect(rules.granted(somebody, repository("jane/a", ...everything))).toEqual(["pull", "push"]);
    expect(rules.granted(subject({ account: "john" }), repository("jane/a", ...everything))).toEqual(["pull"]);
    expect(rules.granted(somebody, catalog)).toEqual(["*"]);
    expect(rules.decide(somebody, repository("a", "pull")).entry).toBe(0);
  });

  it("adds the rights of anonymous to a user's own rules, wherever they appear", () => {
    const own = { name: "jane", type: "repository", action: ["push"] };
    const open = { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] };
    for (const entries of [
      [own, open],
      [open, own],
    ])
      expect(compileRules(entries).granted(somebody, repository("public/a", "pull", "push"))).toEqual(["pull", "push"]);
  });

  it("isn't revoked by a final denial in the other grammar", () => {
    const rules = compileRules([
      { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
      { match: {}, actions: [] },
    ]);
    expect(rules.granted(somebody, repository("public/a", "pull", "push"))).toEqual(["pull"]);
    expect(rules.granted(somebody, repository("private/a", "pull"))).toEqual([]);
  });

  it("doesn't change what the other grammar has already decided for a user", () => {
    const rules = compileRules([
      { match: { account: "jane", name: "public/*" }, actions: [] },
      { match: { account: "", name: "closed/*" }, actions: [] },
      { name: "anonymous", type: "repository", action: ["pull"] },
    ]);
    expect(rules.granted(somebody, repository("public/a", "pull"))).toEqual([]);
    expect(rules.granted(subject({ account: "john" }), repository("public/a", "pull"))).toEqual(["pull"]);
    // It can't be pulled without a login, so the entry after it shares nothing.
    expect(rules.granted(somebody, repository("closed/a", "pull"))).toEqual([]);
    const dockerAuth = compileRules([{ match: { account: "" }, actions: ["pull"] }]);
    expect(dockerAuth.granted(somebody, repository("a", "pull"))).toEqual([]);
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

describe("anonymous users", () => {
  it.each([
    ["a rule for everyone", [{ match: {}, actions: ["*"] }], false],
    ["a star", [{ match: { account: "*" }, actions: ["*"] }], false],
    ["an address", [{ match: { ip: "127.0.0.1" }, actions: ["*"] }], false],
    ["a denial", [{ match: { account: "" }, actions: [] }], false],
    ["the empty name", [{ match: { account: "" }, actions: ["pull"] }], true],
    ["the name in the simple form", [{ name: "anonymous", type: "registry", action: ["pull"] }], true],
    ["the name with nothing", [{ name: "anonymous", type: "registry", action: [] }], false],
    [
      "the empty name after a denial",
      [
        { match: { account: "" }, actions: [] },
        { match: { account: "" }, actions: ["pull"] },
      ],
      false,
    ],
    [
      "the empty name after a denial of one name",
      [
        { match: { account: "", name: "x" }, actions: [] },
        { match: { account: "" }, actions: ["pull"] },
      ],
      true,
    ],
    [
      "the name after a rule for everyone",
      [
        { match: {}, actions: ["pull"] },
        { name: "anonymous", type: "registry", action: ["pull"] },
      ],
      true,
    ],
    [
      "the name after a denial of everyone",
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

  it("are checked against the whole list if an entry names them", () => {
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
  ])("%j for a request for %j: %j", (actions, wanted, granted) => {
    expect(compileRules([{ match: {}, actions }]).granted(somebody, repository("a", ...wanted))).toEqual(granted);
  });
});

describe("values that must not act as patterns", () => {
  it("takes a certificate's label values literally", () => {
    const rules = compileRules([{ match: { name: "${labels:OU}/*" }, actions: ["pull"] }]);
    const star = subject({ labels: { OU: ["*"] } });
    expect(rules.granted(star, repository("any/thing", "pull"))).toEqual([]);
    expect(rules.granted({ ...star, labelSyntax: "pattern" }, repository("any/thing", "pull"))).toEqual(["pull"]);
  });

  it("never treats an account between slashes as a regular expression", () => {
    const rules = compileRules([{ match: { name: "${account}" }, actions: ["pull"] }]);
    expect(rules.granted(subject({ account: "/a/" }), repository("banana", "pull"))).toEqual([]);
  });

  it("denies a request whose evaluation would cost too much, rather than skip the rule", () => {
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

  it("evaluates regular expressions on which backtracking would explode", () => {
    const rules = compileRules([{ match: { name: "/^(a+)+$/" }, actions: ["pull"] }]);
    const started = process.cpuUsage();
    expect(rules.granted(somebody, repository(`${"a".repeat(5000)}b`, "pull"))).toEqual([]);
    expect(process.cpuUsage(started).user).toBeLessThan(5_000_000);
  });
});
