import { describe, expect, it } from "vitest";
import { testFolder } from "@longshore/testkit/test-folder";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addressesOf, groupsOf } from "../../../src/sources/ldap/check-options.js";
import { isDisabled } from "../../../src/sources/ldap/account-state.js";
import { ldap } from "../../../src/sources/ldap/ldap-kind.js";
import { sourcePorts } from "../../support.js";
import { failure } from "../support.js";
import { optionsOf } from "./harness.js";
import { startStandIn } from "./stand-in.js";

const GIVEN = { urls: ["ldaps://ldap.example"], base: "dc=example" };

const section = ldap.section("ldap");

/** The messages of what the section refuses. */
function problemsOf(options: object): string {
  const result = section.safeParse({ ...GIVEN, ...options });
  return result.success
    ? ""
    : result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n");
}

describe("the options of a directory", () => {
  it("are enough with servers and a base", () => {
    const chosen = section.parse(GIVEN);
    expect(chosen.remarks).toEqual([]);
    expect(chosen.limits).toMatchObject({ timeout: 15_000, concurrency: 32, cachettl: 60_000 });
  });

  it.each([
    ["no account in the filter", { filter: "(uid=alice)" }, "filter: it has to contain ${account}"],
    ["an unknown placeholder", { filter: "(&(uid=${account})(ou=${team}))" }, "filter: ${team} is unknown"],
    ["escaped characters beyond ASCII", { filter: "(&(uid=${account})(o=Z\\c3\\bcrich))" }, "write characters outside"],
    [
      "a filter with a parenthesis too few",
      { filter: "(&(uid=${account})" },
      "filter: its parentheses aren't balanced",
    ],
    ["a filter that compares no attribute", { filter: "(uid=${account}*)" }, "account: name the attribute"],
    ["an account without a password", { binddn: "cn=reader" }, "bindpassword: set bindpassword or bindpasswordfile"],
    ["a password without an account", { bindpassword: "x" }, "binddn: whose password is it?"],
    ["two passwords", { binddn: "cn=r", bindpassword: "x", bindpasswordfile: "/x" }, "not both"],
    ["a user's name that is an account's choice", { userdn: "${account}" }, "userdn: it has to be a DN"],
    ["an authority that doesn't count", { insecureskipverify: true, ca: "/ca.pem" }, "ca: has no effect"],
    ["a group filter without a member", { groups: { filter: "(cn=staff)" } }, "groups.filter: it has to contain ${dn}"],
    ["a server of another sort", { urls: ["https://ldap.example"] }, "urls.0"],
    ["no server", { urls: [] }, "urls"],
  ])("refuse %s", (_, options, message) => {
    expect(problemsOf(options)).toContain(message);
  });

  it("warn of passwords in the clear, but not on this machine", () => {
    const warned = (options: object) => section.parse({ ...GIVEN, ...options }).remarks.map(({ path }) => path[0]);
    expect(warned({ urls: ["ldap://ldap.example"], starttls: false })).toEqual(["starttls"]);
    expect(warned({ urls: ["ldap://ldap.example"] })).toEqual([]);
    expect(warned({ urls: ["ldap://127.0.0.1", "ldap://[::1]"], starttls: false })).toEqual([]);
    expect(warned({ insecureskipverify: true, accountcase: "typed" })).toEqual(["insecureskipverify", "accountcase"]);
  });

  it("name servers by URL", () => {
    const urls = ["ldap://a.example", "ldaps://b.example/", "ldap://[::1]:3389"];
    expect(addressesOf({ urls, starttls: true })).toEqual([
      { host: "a.example", port: 389, security: "starttls" },
      { host: "b.example", port: 636, security: "ldaps" },
      { host: "::1", port: 3389, security: "starttls" },
    ]);
  });

  it("search groups with a rule of Active Directory only where that is asked for", () => {
    const filterOf = (groups: object) => groupsOf(optionsOf({ ...GIVEN, groups }))?.filter;
    expect(filterOf({ from: "search", nested: "walk" })).toBe("(|(member=${dn})(uniqueMember=${dn}))");
    expect(filterOf({ nested: "chain" })).toBe("(member:1.2.840.113556.1.4.1941:=${dn})");
    expect(groupsOf(optionsOf(GIVEN))).toBeUndefined();
  });

  it("have files that can be read, and filters that are filters, at the start", async () => {
    const folder = await testFolder();
    const faultOf = async (options: object) =>
      (await failure(() => section.parse({ ...GIVEN, ...options }).open(sourcePorts()))).fault;
    const ca = join(folder, "ca.pem");
    expect(await faultOf({ ca })).toMatchObject({ code: "INVALID_OPTIONS", path: "ldap.ca" });
    await writeFile(ca, "-----BEGIN NOTHING-----\n");
    expect(await faultOf({ ca })).toMatchObject({ code: "INVALID_OPTIONS", path: "ldap.ca" });
    const bindpasswordfile = join(folder, "password");
    await writeFile(bindpasswordfile, "\n");
    expect(await faultOf({ binddn: "cn=r", bindpasswordfile })).toMatchObject({ path: "ldap.bindpasswordfile" });
    expect(await faultOf({ filter: "(&(uid=${account})(cn))" })).toMatchObject({ path: "ldap.filter" });
  });

  it("are verified by a bind and a look at the base", async () => {
    await using server = await startStandIn({
      bind: (_, password) => (password === "right" ? 0 : 49),
      search: ({ base }) => (base === "dc=example" ? [{ dn: base, attributes: {} }] : 32),
    });
    const remarksOf = async (options: object, remote = true) => {
      const chosen = section.parse({
        ...GIVEN,
        urls: [server.ldapUrl],
        starttls: false,
        binddn: "cn=r",
        bindpassword: "right",
        ...options,
      });
      return (await chosen.verify({ remote, patience: 10_000, now: new Date() })).map(({ message }) => message);
    };
    expect(await remarksOf({})).toEqual([]);
    expect((await remarksOf({ base: "dc=other" })).join()).toContain("check the base DN");
    expect((await remarksOf({ bindpassword: "wrong" })).join()).toContain("binddn can't bind");
    expect(await remarksOf({ bindpassword: "wrong" }, false)).toEqual([]);
    expect((await remarksOf({ ca: "/missing.pem" })).join()).toContain("/missing.pem can't be read");
  });
});

describe("an account's state", () => {
  const NOW = Date.UTC(2030, 0, 1);
  /** Hundreds of nanoseconds since 1601. */
  const fileTime = (time: number) => String((time + 11_644_473_600_000) * 10_000);

  it.each([
    ["without any attribute", {}, false],
    ["of a normal account of Active Directory", { userAccountControl: "512", accountExpires: "0" }, false],
    ["of one that never expires", { accountExpires: "9223372036854775807" }, false],
    ["of one that is disabled", { useraccountcontrol: "66050" }, true],
    ["of one that expires later", { accountExpires: fileTime(NOW + 1000) }, false],
    ["of one that has expired", { accountExpires: fileTime(NOW - 1000) }, true],
    ["of one that is locked in 389 Directory Server", { nsAccountLock: "true" }, true],
    ["of one that isn't", { nsAccountLock: "FALSE" }, false],
    ["of one that OpenLDAP's policy locked for good", { pwdAccountLockedTime: "000001010000Z" }, true],
    ["of one that it locked for a time", { pwdAccountLockedTime: "20291231235900Z" }, false],
    ["of one that is disabled in eDirectory", { loginDisabled: "TRUE" }, true],
  ])("%s", (_, attributes, expected) => {
    expect(isDisabled({ dn: "cn=x", ...attributes }, NOW)).toBe(expected);
  });
});
