import { describe, expect, it } from "vitest";
import { compileRules } from "../../src/rules/compile-rules.js";
import type { RuleMatch, RuleResource } from "../../src/rules/rules.js";
import { subject } from "./support.js";

/** Admits anonymous users, as the empty name in docker_auth's list of users does. */
const HEARD = { match: { account: "", name: "no such name" }, actions: ["pull"] };

type Who = Parameters<typeof subject>[0];

type Syntax = "literal" | "pattern";

function matches(
  match: RuleMatch,
  who: Who,
  resource: Partial<RuleResource> = {},
  labelSyntax: Syntax = "pattern",
): boolean {
  const rules = compileRules([{ match, actions: ["*"] }, HEARD]);
  const wanted = { type: "bar", name: "baz", actions: ["x"], ...resource };
  const from = subject({ service: "notary", labelSyntax, ...who });
  return rules.granted(from, wanted).length > 0;
}

const FOO: Who = { account: "foo" };
const MEMBER: Who = { account: "foo", labels: { group: ["admins", "VIP"] } };
const WORKER: Who = { account: "foo", labels: { group: ["admins", "VIP"], project: ["api", "frontend"] } };
const MAIL = "/^(.+)@test\\.com$/";

describe("one match, as docker_auth answers", () => {
  it.each<[RuleMatch, Who, string, boolean]>([
    [{}, FOO, "baz", true],
    [{ account: "foo" }, FOO, "baz", true],
    [{ account: "foo", type: "bar" }, FOO, "baz", true],
    [{ account: "foo", type: "baz" }, FOO, "baz", false],
    [{ account: "fo?", type: "b*", name: "/z$/" }, FOO, "baz", true],
    [{ account: "fo?", type: "b*", name: "/^z/" }, FOO, "baz", false],
    [{ service: "notary", type: "bar" }, FOO, "baz", true],
    [{ service: "notary", type: "baz" }, FOO, "baz", false],
    [{ service: "notary1", type: "bar" }, FOO, "baz", false],
    // Placeholders.
    [{ name: "${account}" }, FOO, "foo", true],
    [{ name: "${account}" }, FOO, "bar", false],
    [{ name: "/${account}_.*/" }, FOO, "foo_x", true],
    [{ name: "/${account}_.*/" }, { account: ".*" }, "foo_x", false],
    [{ name: "${account}/*" }, { account: "*" }, "foo/x", false],
    [{ name: "${account}/*" }, { account: "[a-z]" }, "f/x", false],
    [{ name: "${account}/*" }, { account: "j.doe+x" }, "j.doe+x/y", true],
    [{ name: "${service}-${type}/${account}" }, FOO, "notary-bar/foo", true],
    [{ name: "${name}" }, FOO, "a/b.c", true],
    // Groups of regular expressions.
    [{ account: MAIL, name: "${account:1}/*" }, { account: "john.smith@test.com" }, "john.smith/test", true],
    [{ account: MAIL, name: "${account:1}/*" }, { account: "john.smith@test.com" }, "jane/test", false],
    [{ account: MAIL, name: "${account:3}/*" }, { account: "john.smith@test.com" }, "john.smith/test", false],
    [{ account: MAIL, name: "${account:0}/*" }, { account: "a@test.com" }, "a@test.com/test", false],
    [
      { account: "/^(.+)@(.+?).test\\.com$/", name: "${account:1}-${account:2}/*" },
      { account: "john.smith@it.test.com" },
      "john.smith-it/test",
      true,
    ],
    [{ account: "foo", name: "${account:1}" }, FOO, "foo", false],
    [{ account: "/^(f)(x)?/", name: "${account:1}${account:2}" }, FOO, "f", true],
    // docker_auth never gets to substitute these: a plain placeholder comes before a group's.
    [{ name: "/^foo\\/(.+)$/", service: "${account}-${name:1}" }, { ...FOO, service: "foo-x" }, "foo/x", true],
    [{ name: "/^foo\\/(.+)$/", service: "${account}-${name:1}" }, { ...FOO, service: "foo-y" }, "foo/x", false],
    // Labels.
    [{ labels: { foo: "bar" } }, FOO, "baz", false],
    [{ labels: { foo: "bar" } }, MEMBER, "baz", false],
    [{ labels: { group: "admins" } }, MEMBER, "baz", true],
    [{ labels: { foo: "bar", group: "admins" } }, MEMBER, "baz", false],
    [{ labels: { group: "VIP" } }, MEMBER, "baz", true],
    [{ labels: { group: "a*" } }, MEMBER, "baz", true],
    [{ labels: { group: "/(admins|VIP)/" } }, MEMBER, "baz", true],
    [{ labels: { group: "${name}" } }, MEMBER, "VIP", true],
    [{ labels: { group: "${name}" } }, MEMBER, "vip", false],
    [{ name: "${labels:group}/*" }, FOO, "admins/foo", false],
    [{ name: "${labels:noexist}/*" }, MEMBER, "admins/foo", false],
    [{ name: "${labels:group}/*" }, MEMBER, "admins/foo", true],
    [{ name: "${labels:group}/*" }, MEMBER, "VIP/foo", true],
    [{ name: "${labels:group}/*" }, MEMBER, "vip/foo", false],
    [{ name: "${labels:group}/${labels:project}" }, WORKER, "VIP/api", true],
    [{ name: "${labels:group}/${labels:project}" }, WORKER, "admins/frontend", true],
    [{ name: "${labels:group}/${labels:noexist}" }, WORKER, "VIP/api", false],
    [{ name: "${labels:group}/${labels:project}" }, WORKER, "devs/api", false],
    [{ name: "${labels:group}/${labels:group}" }, WORKER, "admins/VIP", false],
    [{ name: "${labels:group}/${labels:group}" }, WORKER, "VIP/VIP", true],
    [{ name: "${labels:group}/*" }, { labels: { group: [] } }, "admins/foo", false],
    [{ name: "/^${labels:group}\\//" }, MEMBER, "VIP/a/b", true],
    [{ name: "/^(public|${labels:none})\\//" }, FOO, "public/a", true],
    [{ name: "/^(public|${labels:none})\\//" }, FOO, "private/a", false],
  ])("%j, %j, %s: %s", (match, who, name, expected) => {
    expect(matches(match, who, { name })).toBe(expected);
    // Literal insertion gives the same answers for these.
    expect(matches(match, who, { name }, "literal")).toBe(expected);
  });

  it.each<[RuleMatch, Who, string]>([
    [{ name: "${labels:access}" }, { labels: { access: ["test/*"] } }, "test/x"],
    [{ account: MAIL, name: "${account:1}/*" }, { account: "*@test.com" }, "any/x"],
    [{ account: MAIL, name: "/^${account:1}\\//" }, { account: "j.d@test.com" }, "jxd/x"],
    [{ name: "/^([^/]+)\\//", account: "/^${name:1}$/" }, { account: "abc" }, "a.c/x"],
  ])("%j, %j, %s: only what the operator wrote is a pattern", (match, who, name) => {
    expect(matches(match, who, { name }, "pattern")).toBe(true);
    expect(matches(match, who, { name }, "literal")).toBe(false);
  });

  it.each<[string, string | undefined, boolean]>([
    ["127.0.0.1", undefined, false],
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["127.0.0.2", "127.0.0.1", false],
    ["127.0.0.0/8", "127.0.0.1", true],
    ["127.0.0.0/8", "127.0.0.2", true],
    ["2001:db8::1", undefined, false],
    ["2001:db8::1", "2001:db8::1", true],
    ["2001:db8::1", "2001:db8::2", false],
    ["2001:db8::/48", "2001:db8::1", true],
    ["2001:db8::/48", "2001:db8::2", true],
  ])("ip %s for %s: %s", (ip, address, expected) => {
    expect(matches({ ip }, { account: "", ip: address })).toBe(expected);
  });
});

describe("docker_auth's reference configuration", () => {
  const rules = compileRules([
    { match: { ip: "127.0.0.0/8" }, actions: ["*"], comment: "from this machine" },
    { match: { ip: "::1" }, actions: ["*"] },
    { match: { ip: "172.17.0.1" }, actions: ["*"] },
    { match: { account: "admin" }, actions: ["*"] },
    { match: { account: "test", name: "test-*" }, actions: ["*"] },
    { match: { account: "test" }, actions: [] },
    { match: { account: "/.+/", name: "${account}/*" }, actions: ["*"] },
    { match: { account: "/.+/", type: "registry", name: "catalog" }, actions: ["*"] },
    { match: { account: "/.+/" }, actions: ["pull"] },
    { match: { account: "", name: "hello-world" }, actions: ["pull"] },
    { match: { name: "${labels:project}-{labels:tier}/*" }, actions: ["push", "pull"] },
  ]);
  const all = ["pull", "push", "delete"];

  it.each<[Who, string, string, string[], string[], number | undefined]>([
    [{ account: "", ip: "127.0.0.1" }, "repository", "any", ["push", "pull"], ["pull", "push"], 0],
    [{ account: "", ip: "::1" }, "repository", "any", ["push"], ["push"], 1],
    [{ account: "", ip: "::ffff:172.17.0.1" }, "repository", "any", ["push"], ["push"], 2],
    [{ account: "admin" }, "repository", "any/thing", all, ["delete", "pull", "push"], 3],
    [{ account: "admin" }, "registry", "catalog", ["*"], ["*"], 3],
    [{ account: "test" }, "repository", "test-x", all, ["delete", "pull", "push"], 4],
    [{ account: "test" }, "repository", "test-x/y", all, [], 5],
    [{ account: "test" }, "repository", "other", ["pull"], [], 5],
    [{ account: "jane" }, "repository", "jane/app", all, ["delete", "pull", "push"], 6],
    [{ account: "jane" }, "repository", "jane/app/deep", all, ["pull"], 8],
    [{ account: "jane" }, "registry", "catalog", ["*"], ["*"], 7],
    [{ account: "jane" }, "repository", "john/app", all, ["pull"], 8],
    [{ account: "jane" }, "repository", "john/app", ["*"], [], 8],
    [{ account: "" }, "repository", "hello-world", all, ["pull"], 9],
    [{ account: "" }, "repository", "other", ["pull"], [], undefined],
    [{ account: "" }, "registry", "catalog", ["*"], [], undefined],
  ])("%j, %s:%s:%j → %j by %s", (who, type, name, wanted, granted, entry) => {
    expect(rules.decide(subject(who), { type, name, actions: wanted })).toEqual({ actions: granted, entry });
  });
});
