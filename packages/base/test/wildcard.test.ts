import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileWildcard } from "../src/wildcard.js";

describe("wildcards", () => {
  test.each([
    ["repo:acme/app:ref:refs/heads/main", "repo:acme/app:ref:refs/heads/main", true],
    ["repo:acme/*:ref:refs/heads/main", "repo:acme/app:ref:refs/heads/main", true],
    ["repo:acme/*:ref:refs/heads/main", "repo:acme/app:environment:x:ref:refs/heads/main", false],
    ["repo:acme/*", "repo:acme/app", true],
    ["repo:acme/*", "repo:acme/app:pull_request", false],
    ["repo:acme/**", "repo:acme/app:pull_request", true],
    ["repo:acme*/app", "repo:acme/evil/app", false],
    ["system:serviceaccount:ci:*", "system:serviceaccount:ci:builder", true],
    ["system:serviceaccount:ci*", "system:serviceaccount:ci:builder", false],
    ["v?.?", "v1.2", true],
    ["v?", "v/", false],
    ["a\\*b", "a*b", true],
    ["a\\*b", "axb", false],
    ["", "", true],
    ["*", "", true],
    ["**", "a/b:c", true],
    ["a**b", "ab", true],
    ["[a-z]", "b", false],
    ["[a-z]", "[a-z]", true],
    ["?", "\u{1f600}", true],
  ])("%s and %s", (pattern, text, expected) => {
    expect(compileWildcard(pattern).matches(text)).toBe(expected);
  });

  test("report their literal prefix", () => {
    expect(compileWildcard("repo:acme/*").prefix).toBe("repo:acme/");
    expect(compileWildcard("a\\*b")).toMatchObject({ prefix: "a*b", isLiteral: true });
    expect(compileWildcard("a?").isLiteral).toBe(false);
  });

  test("can't end in a backslash or be too long", () => {
    expect(() => compileWildcard("a\\")).toThrow("ends in a backslash");
    expect(() => compileWildcard("a".repeat(1025))).toThrow("longer than 1024");
  });

  test("agree with a regular expression for every pattern and text", () => {
    const alphabet = fc.constantFrom("a", "b", "/", ":", "*", "?");
    const patterns = fc.array(alphabet, { maxLength: 8 }).map((all) => all.join(""));
    const texts = fc.array(fc.constantFrom("a", "b", "/", ":"), { maxLength: 8 }).map((all) => all.join(""));
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const source = pattern.replace(/\*\*|[*?]/g, (star) =>
          star === "**" ? ".*" : star === "*" ? "[^/:]*" : "[^/:]",
        );
        expect(compileWildcard(pattern).matches(text)).toBe(new RegExp(`^${source}$`, "s").test(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("take no longer for input designed to cause backtracking", () => {
    const pattern = compileWildcard(`${"*a".repeat(200)}b`);
    expect(pattern.matches("a".repeat(2000))).toBe(false);
  });
});
