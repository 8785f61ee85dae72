import { expect, it } from "vitest";
import { immutableTags } from "../src/immutable/immutable.js";
import { immutableSection } from "../src/immutable/options.js";

const ruleOf = (rules: unknown, repository: string, tag: string): string | undefined =>
  immutableTags(immutableSection.parse(rules), repository)?.(tag);

it("names the first rule that is for the repository and the tag", () => {
  const rules = [
    { name: "releases", repositories: ["team/*"], tags: ["v*"], excepttags: ["*-rc*"] },
    { name: "production", repositories: ["**"], exceptrepositories: ["scratch/**"], tags: ["prod", "v?"] },
  ];
  expect(ruleOf(rules, "team/app", "v1.2")).toBe("releases");
  expect(ruleOf(rules, "team/app", "v1.2-rc1")).toBeUndefined();
  expect(ruleOf(rules, "team/app", "prod")).toBe("production");
  expect(ruleOf(rules, "team/app/child", "v1.2")).toBeUndefined();
  expect(ruleOf(rules, "team/app/child", "v1")).toBe("production");
  expect(ruleOf(rules, "scratch/a/b", "prod")).toBeUndefined();
  expect(ruleOf(rules, "team/app", "latest")).toBeUndefined();
});

it("knows repositories that no rule is for", () => {
  const rules = immutableSection.parse([{ name: "releases", repositories: ["team/*"] }]);
  expect(immutableTags(rules, "other")).toBeUndefined();
  expect(immutableTags(rules, "team/app")?.("anything")).toBe("releases");
  expect(immutableTags([], "team/app")).toBeUndefined();
});

it("refuses rules without a name, and what can't be a pattern", () => {
  expect(immutableSection.safeParse([{ tags: ["v*"] }]).success).toBe(false);
  const bad = immutableSection.safeParse([{ name: "a", tags: ["v\\"] }]);
  expect(bad.error?.issues[0]?.message).toBe("can't be a pattern: it ends in a backslash");
});
