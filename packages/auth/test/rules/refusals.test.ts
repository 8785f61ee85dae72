import { describe, expect, it } from "vitest";
import { isAuthError } from "../../src/errors.js";
import { compileRules, placeBelow } from "../../src/rules/compile-rules.js";

function refusal(entries: unknown): { path: string; reason: string } {
  try {
    compileRules(entries, placeBelow("access"));
  } catch (error) {
    if (isAuthError(error) && error.fault.code === "INVALID_OPTIONS") return error.fault;
    throw error;
  }
  throw new Error("nothing was refused");
}

const ok = { match: {}, actions: [] };
const simple = { name: "user1", type: "repository", action: ["pull"] };

describe("invalid rules", () => {
  it.each<[unknown, string, RegExp]>([
    [{}, "access", /list/],
    ["x", "access", /list/],
    [[ok, null], "access[1]", /rule/],
    [["pull"], "access[0]", /rule/],
    [[[]], "access[0]", /rule/],
    [[ok, { actions: ["pull"] }], "access[1]", /has no match/],
    [[{ match: {} }], "access[0]", /has no actions/],
    [[{ match: null, actions: [] }], "access[0].match", /./],
    [[{ match: {}, actions: null }], "access[0].actions", /./],
    [[{ match: {}, actions: "pull" }], "access[0].actions", /./],
    [[{ match: {}, actions: ["pull,push"] }], "access[0].actions[0]", /action/],
    [[{ match: { team: "x" }, actions: ["pull"] }], "access[0].match.team", /unknown key.*account/],
    [[{ match: {}, actions: [], user: "x" }], "access[0].user", /unknown key.*match/],
    [[{ match: { name: 5 }, actions: [] }], "access[0].match.name", /quotes/],
    [[{ match: { account: null }, actions: [] }], "access[0].match.account", /quotes/],
    [[{ match: { labels: { a: ["b"] } }, actions: [] }], "access[0].match.labels.a", /quotes/],
    // Patterns.
    [[ok, ok, { match: { name: "a[" }, actions: [] }], "access[2].match.name", /malformed/],
    [[{ match: { account: "a\\" }, actions: [] }], "access[0].match.account", /malformed/],
    [[{ match: { name: "${account}[" }, actions: [] }], "access[0].match.name", /malformed/],
    [[{ match: { account: "/foo?*/" }, actions: [] }], "access[0].match.account", /nested repetition/],
    [[{ match: { type: "/foo?*/" }, actions: [] }], "access[0].match.type", /nested repetition/],
    [[{ match: { name: "/foo?*/" }, actions: [] }], "access[0].match.name", /nested repetition/],
    [[{ match: { service: "/foo?*/" }, actions: [] }], "access[0].match.service", /nested repetition/],
    [[{ match: { labels: { foo: "/bar?*/" } }, actions: [] }], "access[0].match.labels.foo", /nested repetition/],
    [[{ match: { name: "/(?=a)/" }, actions: [] }], "access[0].match.name", /Perl/],
    [[{ match: { name: "/${account}(/" }, actions: [] }], "access[0].match.name", /./],
    [[{ match: { name: "${acount}/*" }, actions: [] }], "access[0].match.name", /\$\{acount\}/],
    [[{ match: { name: "${labels}/*" }, actions: [] }], "access[0].match.name", /\$\{labels\}/],
    [[{ match: { name: "${account:x}/*" }, actions: [] }], "access[0].match.name", /\$\{account:x\}/],
    [[{ match: { ip: "192.168.0.1/100" }, actions: [] }], "access[0].match.ip", /CIDR/],
    [[{ match: { ip: "192.168.0.*" }, actions: [] }], "access[0].match.ip", /CIDR/],
    [[{ match: { ip: "foo" }, actions: [] }], "access[0].match.ip", /CIDR/],
    [[{ match: { ip: "2001:db8::/222" }, actions: [] }], "access[0].match.ip", /CIDR/],
    // The simple form.
    [[{ ...simple, type: "repo" }], "access[0].type", /registry or repository/],
    [[{ ...simple, action: ["read"] }], "access[0].action", /pull, push, delete/],
    [[{ name: "user1", action: ["pull"] }], "access[0].type", /registry or repository/],
    [[{ name: "user1", type: "registry" }], "access[0].action", /pull, push, delete/],
    [[{ type: "registry", action: ["pull"] }], "access[0].name", /./],
    [[{ ...simple, name: "" }], "access[0].name", /anonymous/],
    [[{ ...simple, name: "a[" }], "access[0].name", /malformed/],
    [[{ ...simple, repository: "a[" }], "access[0].repository", /malformed/],
    [[{ ...simple, type: "registry", repository: "a/*" }], "access[0].repository", /type: repository/],
    [[{ ...simple, repo: "a/*" }], "access[0].repo", /unknown key.*repository/],
  ])("%j is refused at %s", (entries, path, reason) => {
    const found = refusal(entries);
    expect(found.path).toBe(path);
    expect(found.reason).toMatch(reason);
  });

  it("formats paths with the given function", () => {
    expect(() => compileRules([{ match: { ip: "x" }, actions: [] }], (steps) => steps.join("/"))).toThrow(
      /^0\/match\/ip: /,
    );
  });

  it.each([
    {},
    { account: "foo?*" },
    { account: "/foo.*/" },
    { name: "//" },
    { name: "{labels:tier}" },
    { name: "/^a{2}$/" },
    { ip: "2001:db8::/48" },
    { labels: { foo: "bar" } },
  ])("%j is accepted", (match) => {
    expect(() => compileRules([{ match, actions: ["pull"] }])).not.toThrow();
  });
});
