import { describe, expect, it } from "vitest";
import { parseAddress } from "@longshore/base/address";
import { concernsAccess, editDistance, nearest } from "../../src/config/nearest.js";
import { compilePattern } from "../../src/config/pattern.js";

describe("RE2 patterns (wire contract §11.1)", () => {
  it.each([
    ["^https?://([^/]+\\.)*example\\.com/", "https://a.example.com/x", true],
    ["^https?://([^/]+\\.)*example\\.com/", "https://example.com.evil/x", false],
    ["(?i)EXAMPLE", "https://example.com", true],
    ["^https:\\/\\/a\\-b\\.c", "https://a-b.c", true],
    ["\\Ahttps\\z", "https", true],
    ["(?P<host>[[:alnum:]]+)\\.com", "https://ab1.com", true],
    ["\\Qa.b\\E", "axb", false],
    ["\\Qa.b\\E", "a.b", true],
    ["[a[b]", "[", true],
    ["\\@", "a@b", true],
  ])("%s on %s: %s", (pattern, text, expected) => expect(compilePattern(pattern).test(text)).toBe(expected));

  it.each(["(", "a(?=b)", "(?<!a)b", "(a)\\1", "[[:nothing:]]", "*"])("%s is none", (pattern) =>
    expect(() => compilePattern(pattern)).toThrow(),
  );
});

it("a pattern that would hang other engines takes linear time", () => {
  expect(compilePattern("^(a+)+$").test(`${"a".repeat(8000)}!`)).toBe(false);
});

describe("addresses", () => {
  it.each([
    [":5000", undefined, 5000],
    ["127.0.0.1:5000", "127.0.0.1", 5000],
    ["[::1]:5000", "::1", 5000],
    ["registry.example:https", "registry.example", 443],
    [":", undefined, 0],
  ])("%s", (text, host, port) => expect(parseAddress(text)).toEqual({ host, port }));

  it.each(["5000", "localhost", "::1:5000", ":65536", ":-1", "a b:1", "[::g]:1", "http://a:1", "[::1]"])(
    "%s is none",
    (text) => expect(parseAddress(text)).toBeUndefined(),
  );
});

describe("names that are nearly right", () => {
  it.each([
    ["relativeurl", "relativeurls", 1],
    ["auht", "auth", 1],
    ["", "abc", 3],
    ["kitten", "sitting", 3],
  ])("%s and %s differ by %d", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });

  it("finds the nearest one, or none", () => {
    expect(nearest("relativeurl", ["host", "relativeurls"])).toBe("relativeurls");
    expect(nearest("Host", ["host", "net"])).toBe("host");
    expect(nearest("elephant", ["host", "net"])).toBeUndefined();
  });

  it.each([
    "auht",
    "Auth",
    "authentication",
    "oauth",
    "authz",
    "acess",
    "acl",
    "htpasswd",
    "atuh",
    "access_rules",
    "token",
    "mtls",
    "rules",
    "acls",
    "permissions",
    "clientca",
  ])("%s may be meant to protect the registry", (name) => expect(concernsAccess(name, [])).toBe(true));

  it.each([
    ["http", "access"],
    ["http", "mtls"],
    ["http", "clientauth"],
    ["http", "tls", "clientca"],
    ["http", "tls", "clientAuth"],
    ["storage", "auth"],
  ])("%s.%s may, too", (...path) => {
    expect(concernsAccess(path.at(-1) ?? "", path.slice(0, -1))).toBe(true);
  });

  it.each([
    ["log", "access"],
    ["http", "client"],
    ["http", "token"],
  ])("%s.%s isn't", (section, name) => expect(concernsAccess(name, [section])).toBe(false));

  it.each(["path", "port", "service", "accesslog", "tags", "data", "host", "proxy"])("%s isn't", (name) =>
    expect(concernsAccess(name, [])).toBe(false),
  );
});
