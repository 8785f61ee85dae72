import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRules } from "../../src/rules/compile-rules.js";
import type { RuleEntry, RuleResource, RuleSubject } from "../../src/rules/rules.js";
import { reference } from "./reference.js";

const ACCOUNTS = ["", "a", "b", "ab", "a.b", "*", "a*", "x-y", "a@b", "/a/", "${name}"];
const NAMES = ["a", "b", "ab", "a/b", "a.b/c", "axb/c", "b/a", "x-y/z", "team/a", "team/a/b", "catalog"];
const GLOBS = ["*", "a", "a*", "?", "*/*", "a/*", "[ab]", "[^b]", "[a-c]/*", "team/*", "*b", "a.b", "**", "x-?", "?*"];
const REGEXES = ["/.+/", "/^a/", "/b$/", "/^(a|b)$/", "/^(.+)@(.+)$/", "/^team\\/([a-z]+)/", "/^[^/]+$/", "/^(a)(x)?/"];
const INSERTS = [
  "${account}",
  "${account}/*",
  "/^${account}/",
  "${name}",
  "${labels:t}",
  "${labels:t}/*",
  "${labels:t}/${labels:u}",
  "${account:1}/*",
  "${name:1}",
  "team/${account:2}",
  "${account}/${name:1}",
  "/^${labels:t}\\//",
];
const ACTIONS = ["pull", "push", "delete", "*"];
const VALUES = ["a", "b", "team", "a.b", "*"];
const BLOCKS = ["10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "192.168.1.0/24", "10.1.0.0/15"];
const ADDRESSES = ["10.1.2.3", "10.9.9.9", "192.168.1.7", "203.0.113.1", undefined];

const oneOf = (texts: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const pattern = fc.oneof(oneOf(GLOBS), oneOf(REGEXES), oneOf(INSERTS), oneOf(NAMES));
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const actions = fc.array(oneOf(ACTIONS), { maxLength: 3 });

/** Drops keys that are undefined, which a file can't contain. */
function present<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

const matchEntry = fc
  .record({
    match: fc.record({
      account: optional(fc.oneof(pattern, oneOf(ACCOUNTS.filter((name) => !name.includes("$"))))),
      type: rarely(oneOf(["repository", "registry", "re*", "/^repo/"])),
      name: optional(pattern),
      ip: rarely(oneOf(BLOCKS)),
      service: rarely(oneOf(["s", "t", "${account}", "?"])),
      labels: rarely(
        fc.dictionary(oneOf(["t", "u"]), fc.oneof(oneOf(GLOBS), oneOf(["${account}", "/^a/"])), { maxKeys: 2 }),
      ),
    }),
    actions,
  })
  .map((entry): RuleEntry => present(entry));

const simpleEntry = fc
  .record({
    name: oneOf(["anonymous", "a", "*", "/^a/", "[ab]", "x-y"]),
    type: fc.constantFrom("registry" as const, "repository" as const),
    repository: optional(fc.oneof(oneOf(GLOBS), oneOf(INSERTS.slice(0, 6)))),
    action: actions,
  })
  .map((entry): RuleEntry => present(entry.type === "registry" ? { ...entry, repository: undefined } : entry));

const subject = fc
  .record({
    account: oneOf(ACCOUNTS),
    ip: fc.constantFrom(...ADDRESSES),
    service: oneOf(["s", "t", "a"]),
    labels: fc.dictionary(oneOf(["t", "u"]), fc.array(oneOf(VALUES), { maxLength: 3 }), { maxKeys: 2 }),
  })
  // Labels come with an identity: anonymous users have none.
  .map(({ labels, ...rest }): RuleSubject => ({
    ...rest,
    labels: new Map(rest.account === "" ? [] : Object.entries(labels)),
  }));

const resource: fc.Arbitrary<RuleResource> = fc.record({
  type: oneOf(["repository", "registry"]),
  name: oneOf(NAMES),
  actions: fc.array(oneOf(ACTIONS), { minLength: 1, maxLength: 4 }),
});

const list = fc.array(fc.oneof({ weight: 3, arbitrary: matchEntry }, { weight: 1, arbitrary: simpleEntry }), {
  minLength: 1,
  maxLength: 5,
});

describe("any list of rules", () => {
  it("grants what another evaluator grants, and nothing else", () => {
    const seen = { granted: 0, denied: 0 };
    fc.assert(
      fc.property(list, subject, resource, (entries, who, what) => {
        const granted = compileRules(entries).granted(who, what);
        if (granted.length > 0) seen.granted += 1;
        else seen.denied += 1;
        expect(granted).toEqual(reference(entries, who, what));
      }),
      { numRuns: 1500 },
    );
    // Both answers must occur often, or the comparison would prove little.
    expect(Math.min(seen.granted, seen.denied)).toBeGreaterThan(150);
  });

  it("grants nothing that wasn't requested, and asking for more at once grants nothing extra", () => {
    fc.assert(
      fc.property(list, subject, resource, (entries, who, what) => {
        const rules = compileRules(entries);
        const together = rules.granted(who, what);
        const oneByOne = what.actions.filter((action) => rules.granted(who, { ...what, actions: [action] }).length > 0);
        expect(together).toEqual([...new Set(oneByOne)].sort());
      }),
      { numRuns: 400 },
    );
  });

  it("never throws, whatever is requested", () => {
    fc.assert(
      fc.property(list, fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (entries, account, name) => {
        const who: RuleSubject = { account, labels: new Map([["t", [name]]]), ip: name, service: account };
        expect(compileRules(entries).granted(who, { type: "repository", name, actions: [] })).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
