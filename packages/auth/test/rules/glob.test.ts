import { describe, expect, it } from "vitest";
import { compileGlob } from "../../src/rules/glob.js";

describe("globs", () => {
  it.each([
    ["", "", true],
    ["", "a", false],
    ["abc", "abc", true],
    ["abc", "abcd", false],
    ["*", "", true],
    ["*", "abc", true],
    ["*", "a/b", false],
    ["**", "a/b", false],
    ["a/*", "a/b", true],
    ["a/*", "a/", true],
    ["a/*", "a/b/c", false],
    ["a/*/c", "a/b/c", true],
    ["*/*", "a/b", true],
    ["*c", "abc", true],
    ["a*b*c", "a1b2b3c", true],
    ["a*b*c", "a1b2b3", false],
    ["*ab", "aab", true],
    ["a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false],
    ["?", "", false],
    ["?", "a", true],
    ["?", "/", false],
    ["?", "ü", true],
    ["?", "😀", true],
    ["a?c", "abc", true],
    ["[a-c]x", "bx", true],
    ["[a-c]x", "dx", false],
    ["[^a-c]x", "dx", true],
    ["[^a-c]x", "bx", false],
    ["[xyz1-3]", "2", true],
    ["[^a]", "/", true],
    ["[a^]", "^", true],
    ["[\\]]", "]", true],
    ["[\\-x]", "-", true],
    ["[\\-x]", "a", false],
    ["[[]*", "[a", true],
    ["a]b", "a]b", true],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["\\a", "a", true],
    ["a\\?c", "a?c", true],
    ["a\\?c", "abc", false],
    ["*x", "a/x", false],
    ["${a}", "${a}", true],
    // Stars take the leftmost match and never backtrack, as in Go.
    ["*[^x]*b", "a/ab", false],
  ])("%j matches %j: %s", (pattern, text, expected) => {
    expect(compileGlob(pattern)?.(text)).toBe(expected);
  });

  it.each(["[", "[]", "[]a]", "[a", "[a-", "[a-]", "[-a]", "[^", "[^]a]", "a\\", "[\\", "[a\\", "*[", "x[a-b-c]y["])(
    "%j is malformed",
    (pattern) => {
      expect(compileGlob(pattern)).toBeUndefined();
    },
  );

  it("answers in time bounded by the product of the lengths", () => {
    const matches = compileGlob(`${"*a".repeat(200)}b`);
    const started = process.cpuUsage();
    expect(matches?.("a".repeat(2000))).toBe(false);
    // Backtracking would never finish; the bound leaves ample room for a slow machine.
    expect(process.cpuUsage(started).user).toBeLessThan(5_000_000);
  });
});
