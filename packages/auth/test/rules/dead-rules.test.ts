import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRules } from "../../src/rules/compile-rules.js";
import { findDeadRules } from "../../src/rules/dead-rules.js";

const rule = (match: object, actions: readonly string[] = ["pull"]) => ({ match, actions });
const simple = (over: object) => ({ type: "repository", action: ["pull"], ...over });

/** The entries that are found, by their indexes. */
const dead = (list: readonly unknown[], labels?: readonly string[]) =>
  findDeadRules(list, labels === undefined ? undefined : new Set(labels)).map(({ entry }) => entry);

describe("rules that can never decide", () => {
  it.each<readonly [string, object, object]>([
    ["everything", {}, { account: "alice", name: "a/*" }],
    [
      "the same",
      { account: "alice", name: "${account}/*" },
      { account: "alice", name: "${account}/*", ip: "10.0.0.1" },
    ],
    ["a name", { name: "team/*" }, { name: "team/app" }],
    ["a longer pattern", { name: "team/*" }, { name: "team/app-*", account: "bob" }],
    ["an account", { account: "/.+/" }, { account: "alice" }],
    ["accounts of a pattern", { account: "/^.+$/" }, { account: "dev-*" }],
    ["a network", { ip: "10.0.0.0/8" }, { ip: "10.1.0.0/16" }],
    ["an address", { ip: "10.0.0.0/8" }, { ip: "10.1.2.3" }],
    ["a label", { labels: { group: "dev*" } }, { labels: { group: "developers", team: "x" } }],
    ["a type", { type: "repository" }, { type: "repository", name: "a" }],
  ])("are those after one for %s", (_, outer, inner) => {
    expect(findDeadRules([rule(outer), rule(inner)])).toMatchObject([
      { entry: 1, steps: [], reason: expect.stringContaining("rule 1 of the list, before it") as string },
    ]);
  });

  it.each<readonly [string, object, object]>([
    ["another account", { account: "alice" }, { account: "bob" }],
    ["accounts that may be empty", { account: "/.+/" }, { account: "*" }],
    ["those who log in only", { account: "/.+/" }, {}],
    ["one part of a name", { name: "team/*" }, { name: "team/*/app" }],
    ["what is inserted", { name: "team/*" }, { name: "team/${account}" }],
    ["a class that could be a slash", { name: "team/*" }, { name: "team/[^a]" }],
    ["an address of another family", { ip: "::/0" }, { ip: "10.0.0.1" }],
    ["a narrower network", { ip: "10.1.0.0/16" }, { ip: "10.0.0.0/8" }],
    [
      "a group of another expression",
      { account: "/^(a)/", name: "${account:1}" },
      { account: "/^(.)/", name: "${account:1}" },
    ],
    ["another label", { labels: { group: "dev" } }, { labels: { team: "dev" } }],
    ["one character", { account: "/^.$/" }, { account: "alice" }],
  ])("aren't those after one for %s", (_, outer, inner) => {
    expect(dead([rule(outer), rule(inner)])).toEqual([]);
  });

  it("are those of the simple form after one for the same users, and not what anonymous adds", () => {
    expect(dead([simple({ name: "alice" }), simple({ name: "alice", repository: "a/*" })])).toEqual([1]);
    expect(dead([simple({ name: "alice", type: "registry" }), simple({ name: "alice" })])).toEqual([1]);
    expect(dead([simple({ name: "alice" }), simple({ name: "alice", type: "registry" })])).toEqual([]);
    expect(dead([simple({ name: "anonymous" }), simple({ name: "alice" })])).toEqual([]);
    expect(dead([simple({ name: "*" }), simple({ name: "anonymous" })])).toEqual([]);
    expect(dead([simple({ name: "*" }), rule({ account: "", type: "repository" })])).toEqual([]);
    expect(dead([simple({ name: "*" }), rule({ account: "bob", type: "repository" })])).toEqual([1]);
  });

  it.each([
    ["Team/app", "no repository can be called"],
    ["team//app", "no repository can be called"],
    ["a..b", "no repository can be called"],
    ["team/App-*", 'no repository has "A" in its name'],
    ["host:5000/*", 'no repository has ":" in its name'],
    ["${account}/App", 'no repository has "A" in its name'],
    ["/team/*", "no name begins with a sign"],
    ["team/*/", "ends with a slash"],
    ["/^Team$/", 'no repository has "T" in its name'],
  ])("are those for the name %s", (name, reason) => {
    expect(findDeadRules([rule({ name })])).toMatchObject([{ entry: 0, steps: ["match", "name"] }]);
    expect(findDeadRules([rule({ name })])[0]?.reason).toContain(reason);
    expect(findDeadRules([simple({ name: "a", repository: name })])).toMatchObject([{ steps: ["repository"] }]);
  });

  it.each([
    "team/app",
    "*",
    "team/[A-Z]*",
    "team/[a-z]?",
    "a\\*",
    "${account}/x",
    "/^[A-Z]/",
    "/a|B/",
    "/.*/",
    "a.b/c__d/e--f",
  ])("aren't those for the name %s", (name) => {
    expect(dead([rule({ name })])).toEqual([]);
  });

  it("aren't those for names of other things", () => {
    expect(dead([rule({ type: "tokens", name: "ALL" })])).toEqual([]);
  });

  it("are those for labels that no source gives, if that can be told", () => {
    const list = [rule({ name: "${labels:team}/*" }), rule({ labels: { group: "dev" } }), rule({ name: "x" })];
    expect(dead(list)).toEqual([]);
    expect(dead(list, ["team", "group"])).toEqual([]);
    expect(findDeadRules(list, new Set(["group"]))).toEqual([
      {
        entry: 0,
        steps: ["match", "name"],
        reason: expect.stringContaining("the label team; they give group") as string,
      },
    ]);
    expect(findDeadRules(list, new Set())).toMatchObject([
      { entry: 0 },
      { entry: 1, steps: ["match", "labels", "group"] },
    ]);
  });

  it("aren't those for clients that don't log in, after one for all users", () => {
    const all = { name: "*", type: "repository", action: ["pull"] };
    expect(dead([all, rule({ account: "", type: "repository" })])).toEqual([]);
    expect(dead([all, rule({ account: "", type: "repository", labels: { team: "x" } })])).toEqual([]);
    expect(dead([all, rule({ account: "bob", type: "repository", labels: { team: "x" } })])).toEqual([1]);
  });

  it("never decide, whatever is asked", () => {
    const accounts = fc.constantFrom("", "a", "ab", "b", "*", "a*", "/.+/", "/^a/", "/.*/", "?");
    const names = fc.constantFrom("a", "a/b", "a/*", "*", "a/b*", "${account}/*", "/^a/", "a/?", "*/b");
    const ips = fc.constantFrom("10.0.0.1", "10.0.0.0/8", "10.0.0.0/24", "0.0.0.0/0");
    const labels = fc.record({ g: fc.constantFrom("x", "*", "x*", "/.+/") });
    const match = fc.record(
      { account: accounts, name: names, ip: ips, labels, type: fc.constant("repository") },
      { requiredKeys: [] },
    );
    const entry = fc.oneof(
      fc.record({ match, actions: fc.constantFrom<readonly string[]>([], ["pull"], ["*"]) }),
      fc.record({
        name: fc.constantFrom("a", "a*", "*", "anonymous"),
        type: fc.constantFrom("repository", "registry"),
        action: fc.constant(["pull"]),
      }),
    );
    const subject = fc.record({
      account: fc.constantFrom("", "a", "ab", "b", "c"),
      ip: fc.constantFrom("10.0.0.1", "10.0.0.2", "10.1.0.1", "192.0.2.1"),
      labels: fc.constantFrom(new Map<string, string[]>(), new Map([["g", ["x"]]]), new Map([["g", ["y", "xx"]]])),
      service: fc.constant("registry"),
    });
    const name = fc.constantFrom("a", "b", "a/b", "a/bc", "ab/b", "c/b");
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), subject, name, fc.boolean(), (list, who, called, anonymous) => {
        const found = dead(list);
        const rules = compileRules(list, undefined, { anonymous });
        const decision = rules.decide(who, { type: "repository", name: called, actions: ["pull"] });
        return decision.entry === undefined || !found.includes(decision.entry);
      }),
      { numRuns: 3000 },
    );
  });
});
