import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileClaims, findUnmet, isIdle } from "../../src/oidc/machines/claim-rules.js";
import { compileTemplate } from "../../src/oidc/machines/claim-template.js";
import { claimTexts, type Claims } from "../../src/oidc/machines/claim-values.js";

const KUBERNETES = {
  sub: "system:serviceaccount:ci:builder",
  "kubernetes.io": { namespace: "ci", pod: { name: "build-1", uid: "u" } },
  groups: ["a", "b"],
  count: 3,
  protected: true,
  nothing: null,
};

/** Whether `option` lets `claims` in. */
function admits(option: Claims, claims: Claims): boolean {
  return findUnmet(compileClaims(option), claims) === undefined;
}

describe("rules of claims", () => {
  test.each<[Claims, boolean]>([
    [{ sub: "system:serviceaccount:ci:*" }, true],
    [{ sub: "system:serviceaccount:prod:*" }, false],
    [{ sub: ["other", "system:serviceaccount:*:builder"] }, true],
    [{ "kubernetes.io": { namespace: "ci" } }, true],
    [{ "kubernetes.io": { namespace: "prod" } }, false],
    [{ "kubernetes.io": { pod: { name: "build-*" } } }, true],
    [{ "kubernetes.io": "**" }, false],
    [{ sub: { of: "x" } }, false],
    [{ groups: "b" }, true],
    [{ groups: "c" }, false],
    [{ count: 3 }, true],
    [{ count: "4" }, false],
    [{ protected: true }, true],
    [{ nothing: "**" }, false],
    [{ absent: "**" }, false],
    [{ toString: "**" }, false],
    [{ sub: "system:serviceaccount:ci:*", count: 4 }, false],
  ])("%j", (option, expected) => {
    expect(admits(option, KUBERNETES)).toBe(expected);
  });

  test.each<[Claims, string]>([
    [{ sub: [] }, "a pattern"],
    [{ sub: null }, "a pattern"],
    [{ a: {} }, "empty"],
    [{ a: { b: { c: { d: { e: { f: "x" } } } } } }, "nested deeper"],
    [{ sub: "a\\" }, "backslash"],
    [{ id: 2 ** 60 }, "in quotes"],
  ])("%j is refused", (option, message) => {
    expect(() => compileClaims(option)).toThrow(message);
  });

  test("that hold for everything are recognised", () => {
    expect(compileClaims({ a: "**", b: ["x", "**"], c: "*", d: "x**", e: "***", f: "?" }).map(isIdle)).toEqual([
      true,
      true,
      true,
      false,
      true,
      false,
    ]);
  });
});

describe("templates of claims", () => {
  test.each([
    ["k8s/${sub}", "k8s/system:serviceaccount:ci:builder"],
    ["${kubernetes.io.namespace}/${kubernetes.io.pod.name}", "ci/build-1"],
    ["${count}-${protected}", "3-true"],
    ["fixed", "fixed"],
    ["${absent}", undefined],
    ["${groups}", undefined],
    ["${__proto__}", undefined],
  ])("%s", (text, expected) => {
    expect(compileTemplate(text).fill(KUBERNETES)).toBe(expected);
  });

  test("give a text for each value of a list", () => {
    expect(compileTemplate("team-${groups}").fillAll(KUBERNETES)).toEqual(["team-a", "team-b"]);
    expect(compileTemplate("${kubernetes.io.namespace}/${groups}").fillAll(KUBERNETES)).toEqual(["ci/a", "ci/b"]);
    expect(compileTemplate("${absent}").fillAll(KUBERNETES)).toEqual([]);
  });

  test.each(["${}", "${a", "x${a}${"])("%s is refused", (text) => {
    expect(() => compileTemplate(text)).toThrow("${");
  });

  test("insert values as they are: nothing in one is a template", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(compileTemplate("<${a}|${b}>").fill({ a: one, b: other })).toBe(`<${one}|${other}>`);
      }),
    );
  });

  test("prefer a name with dots to a nested one", () => {
    expect(claimTexts({ "a.b": "1", a: { b: "2" } }, "a.b")).toEqual(["1"]);
    expect(claimTexts({ a: { b: "2" } }, "a.b")).toEqual(["2"]);
  });
});
