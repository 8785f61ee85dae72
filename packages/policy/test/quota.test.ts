import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWithin, judgeQuota, MEASURES, quotaScopes, type Amounts } from "../src/quota/quota.js";
import { quotaSection } from "../src/quota/options.js";

const prefixesFor = (repository: string, ...prefixes: string[]): readonly string[] =>
  quotaScopes(quotaSection.parse(prefixes.map((prefix) => ({ name: prefix, prefix, bytes: 1 }))), repository).map(
    ({ prefix }) => prefix,
  );

describe("what a repository has to fit into", () => {
  it("is the prefix itself, and what is below it", () => {
    expect(prefixesFor("team", "team")).toEqual(["team"]);
    expect(prefixesFor("team/app/a", "team", "team/app", "team/app/a/b")).toEqual(["team", "team/app"]);
    expect(prefixesFor("teams/app", "team")).toEqual([]);
  });

  it("is one namespace for each component that a star stands for", () => {
    expect(prefixesFor("users/ann/app", "users/*")).toEqual(["users/ann"]);
    expect(prefixesFor("users/ann", "users/*")).toEqual(["users/ann"]);
    expect(prefixesFor("users", "users/*")).toEqual([]);
    expect(prefixesFor("a/b/c", "*", "*/b")).toEqual(["a", "a/b"]);
  });

  it("always has the repository", () => {
    const component = fc.stringMatching(/^[a-z]{1,3}$/);
    const name = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const prefix = fc
      .array(fc.oneof(component, fc.constant("*")), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join("/"));
    fc.assert(
      fc.property(name, fc.array(prefix, { maxLength: 4 }), (repository, prefixes) => {
        for (const each of prefixesFor(repository, ...prefixes)) {
          expect(each).not.toContain("*");
          expect(isWithin(each, repository)).toBe(true);
        }
      }),
    );
  });
});

describe("the verdict on a change", () => {
  const amounts = fc.record({ bytes: fc.nat(20), tags: fc.nat(20), repositories: fc.nat(20) });
  const limit = fc.option(fc.nat(20), { nil: undefined });
  const rule = fc.record({
    name: fc.constant("q"),
    prefix: fc.constant("p"),
    bytes: limit,
    tags: limit,
    repositories: limit,
    warnat: fc.integer({ min: 1, max: 100 }),
  });

  it("never lets a measure that grows exceed its limit, and lets everything else through", () => {
    fc.assert(
      fc.property(rule, amounts, amounts, (quota, before, after) => {
        const over = MEASURES.some((measure) => {
          const most = quota[measure];
          return most !== undefined && after[measure] > most && after[measure] > before[measure];
        });
        expect(judgeQuota(quota, before, after).kind).toBe(over ? "exceeded" : "fits");
      }),
    );
  });

  it("says what is near its limit", () => {
    const quota = { name: "q", prefix: "p", bytes: 100, tags: 10, warnat: 90 };
    const none: Amounts = { bytes: 0, tags: 0, repositories: 0 };
    expect(judgeQuota(quota, none, { ...none, bytes: 89 })).toEqual({ kind: "fits", near: [] });
    expect(judgeQuota(quota, none, { bytes: 90, tags: 9, repositories: 1 })).toEqual({
      kind: "fits",
      near: ["bytes", "tags"],
    });
    expect(judgeQuota({ ...quota, warnat: 100 }, none, { ...none, bytes: 100 })).toEqual({ kind: "fits", near: [] });
  });
});
