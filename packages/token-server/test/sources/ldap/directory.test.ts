import { describePeers } from "@longshore/testkit/peers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loginContext } from "../../support.js";
import { failure } from "../support.js";
import { labelsOf, logIn, openSource } from "./harness.js";
import { BASE, dnOf, group, groupDn, GROUPS, PEOPLE, person, startSlapd, type Slapd } from "./slapd.js";

describePeers("accounts of OpenLDAP", ["slapd"], () => {
  let slapd: Slapd;

  beforeAll(async () => {
    slapd = await startSlapd();
    await slapd.add(
      [
        person("alice", "title: Owner\ntitle: Reviewer\nmanager: cn=The Boss,ou=people,dc=corp,dc=example\n"),
        person("bob"),
        person("dora", "userAccountControl: 514\n"),
        person("erin", "accountExpires: 116444736000000000\n"),
        person("fred", "nsAccountLock: TRUE\n"),
        person("carol", "mail: shared@corp.example\n"),
        person("claire", "mail: shared@corp.example\n"),
        group("dev", [dnOf("alice")]),
        group("staff", [groupDn("dev"), dnOf("bob")]),
        group("everybody", [groupDn("staff")]),
        group("circle", [groupDn("everybody"), dnOf("carol")]),
      ].join("\n"),
    );
    // A circle: staff contains circle, which contains everybody, which contains staff.
    await slapd.modify(`dn: ${groupDn("staff")}\nchangetype: modify\nadd: member\nmember: ${groupDn("circle")}\n`);
  });

  afterAll(() => slapd[Symbol.asyncDispose]());

  it("log in by search and bind", async () => {
    const source = await openSource({ urls: [slapd.url] });
    expect(await logIn(source, "alice")).toEqual({
      outcome: "identified",
      identity: { account: "alice", labels: new Map(), labelSyntax: "literal" },
      renewable: true,
    });
    expect(await logIn(source, "alice", "wrong")).toEqual({
      outcome: "failed",
      reason: "the name or the password is wrong",
    });
    expect(await logIn(source, "mallory", "x")).toEqual({ outcome: "unknown" });
    // A failed bind leaves nothing behind on its connection.
    expect((await logIn(source, "bob")).outcome).toBe("identified");
  });

  it("never log in with an empty password, which would be an anonymous bind", async () => {
    for (const input of [{}, { userdn: `uid=\${account},${PEOPLE}` }]) {
      const source = await openSource({ urls: [slapd.url], ...input });
      expect(await logIn(source, "alice", "")).toEqual({ outcome: "unknown" });
      expect(await logIn(source, "", "secret")).toEqual({ outcome: "unknown" });
    }
  });

  it("have one name, however they spell it", async () => {
    const urls = [slapd.url];
    const nameOf = async (input: object, account: string) => {
      const login = await logIn(await openSource({ urls, ...input }), account, "alice's secret");
      return login.outcome === "identified" ? login.identity.account : login.outcome;
    };
    expect(await nameOf({}, "ALICE")).toBe("alice");
    expect(await nameOf({}, " Alice ")).toBe("alice");
    expect(await nameOf({ accountcase: "typed" }, "ALICE")).toBe("ALICE");
    expect(await nameOf({ filter: "(mail=${account})" }, "Alice@corp.example")).toBe("alice@corp.example");
    expect(await nameOf({ filter: "(mail=${account})", account: "uid" }, "alice@corp.example")).toBe("alice");
    expect(await nameOf({ filter: "(|(uid=${account})(mail=${account}))" }, "alice@corp.example")).toBe(
      "alice@corp.example",
    );
  });

  it("have attributes as labels", async () => {
    const labels = {
      title: { attribute: "title", lowercase: true },
      boss: { attribute: "MANAGER", parsecn: true },
      none: { attribute: "telephoneNumber" },
    };
    const source = await openSource({ urls: [slapd.url], labels });
    const { title, boss, none } = await labelsOf(source, "alice");
    expect([...(title ?? [])].sort()).toEqual(["owner", "reviewer"]);
    expect(boss).toEqual(["The Boss"]);
    expect(none).toEqual([]);
  });

  it.each([
    ["by memberOf", { from: "memberof" }, ["dev"]],
    ["by memberOf, nested", { from: "memberof", nested: "walk" }, ["circle", "dev", "everybody", "staff"]],
    ["by memberOf, nested to a depth", { from: "memberof", nested: "walk", depth: 1 }, ["dev", "staff"]],
    ["by search", { from: "search", base: GROUPS }, ["dev"]],
    ["by search, nested", { from: "search", base: GROUPS, nested: "walk" }, ["circle", "dev", "everybody", "staff"]],
    ["by search, nested to a depth", { from: "search", base: GROUPS, nested: "walk", depth: 1 }, ["dev", "staff"]],
    ["by their DNs", { name: "dn" }, [groupDn("dev")]],
  ] as const)("have groups %s", async (_, groups, expected) => {
    const source = await openSource({ urls: [slapd.url], groups });
    expect(await labelsOf(source, "alice")).toEqual({ groups: expected });
  });

  it("fail to log in with more groups than the limit: one that is left out may be what a rule denies", async () => {
    const source = await openSource({ urls: [slapd.url], groups: { nested: "walk", limit: 2 } });
    const error = await failure(() => logIn(source, "alice"));
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toContain("more than 2 groups");
  });

  it("bind as themselves first where no account may search", async () => {
    const userdn = `uid=\${account},${PEOPLE}`;
    const source = await openSource({ urls: [slapd.url], userdn, groups: { nested: "walk" } });
    expect(await labelsOf(source, "alice")).toEqual({ groups: ["circle", "dev", "everybody", "staff"] });
    expect((await logIn(source, "alice", "wrong")).outcome).toBe("failed");
    expect((await logIn(source, "mallory", "x")).outcome).toBe("failed");
    expect(Object.keys(source)).not.toContain("lookup");
  });

  it("fail if the entry that is found isn't the one that was bound as", async () => {
    // Everybody who binds finds bob's entry, whose password they don't have.
    const source = await openSource({
      urls: [slapd.url],
      userdn: `uid=\${account},${PEOPLE}`,
      filter: "(&(uid=bob)(!(uid=x${account})))",
      account: "uid",
    });
    expect((await logIn(source, "alice")).outcome).toBe("failed");
    expect((await logIn(source, "bob")).outcome).toBe("identified");
  });

  it("don't log in while they are disabled, expired or locked, and aren't found by a lookup", async () => {
    const source = await openSource({ urls: [slapd.url] });
    for (const account of ["dora", "erin", "fred"]) {
      expect(await logIn(source, account)).toEqual({ outcome: "failed", reason: "the account is disabled" });
      expect(await source.lookup?.(account, loginContext())).toBeUndefined();
    }
  });

  it("are looked up without a password, within the filter", async () => {
    const filter = `(&(mail=\${account})(memberOf=${groupDn("dev")}))`;
    const source = await openSource({ urls: [slapd.url], filter, account: "uid", groups: {} });
    const alice = await source.lookup?.("alice", loginContext());
    expect(alice).toEqual({
      identity: { account: "alice", labels: new Map([["groups", ["dev"]]]), labelSyntax: "literal" },
    });
    // Bob exists, and isn't in the group that the filter demands.
    expect(await source.lookup?.("bob", loginContext())).toBeUndefined();
    expect(await source.lookup?.("mallory", loginContext())).toBeUndefined();
  });

  it("must be found exactly once", async () => {
    const source = await openSource({ urls: [slapd.url], filter: "(mail=${account})" });
    const error = await failure(() => logIn(source, "shared@corp.example", "carol's secret"));
    expect(error.message).toContain("several entries match shared@corp.example");
  });

  it("are searched below a base that exists", async () => {
    const source = await openSource({ urls: [slapd.url], base: `ou=missing,${BASE}` });
    expect((await failure(() => logIn(source, "alice"))).message).toContain("check the base DN");
  });

  it("can't be verified if the account that searches has a wrong password", async () => {
    const source = await openSource({ urls: [slapd.url], bindpassword: "wrong" });
    expect((await failure(() => logIn(source, "alice"))).code).toBe("UNAVAILABLE");
  });

  it("log in over kept connections, also after the server has restarted", async () => {
    const source = await openSource({ urls: [slapd.url], connections: 2 });
    await Promise.all(Array.from({ length: 8 }, () => logIn(source, "alice")));
    await slapd.stop();
    expect((await failure(() => logIn(source, "alice"))).code).toBe("UNAVAILABLE");
    await slapd.restart();
    const logins = await Promise.all(Array.from({ length: 8 }, () => logIn(source, "bob")));
    expect(logins.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 8 }, () => "identified"));
  });
});

describePeers("groups of an OpenLDAP without memberOf", ["slapd"], () => {
  it("are found by search in pages, whatever the server's size limit, and by uniqueMember", async () => {
    await using slapd = await startSlapd({
      memberOf: false,
      settings: "dbnosync\nlimits * size.soft=600 size.hard=600 size.prtotal=unlimited",
    });
    const names = Array.from({ length: 700 }, (_, n) => `team-${String(n).padStart(3, "0")}`);
    await slapd.add(
      [
        person("alice"),
        ...names.map((name) => group(name, [dnOf("alice")])),
        group("unique", [dnOf("alice")], "groupOfUniqueNames"),
      ].join("\n"),
    );
    const source = await openSource({ urls: [slapd.url], groups: { from: "search", base: GROUPS } });
    expect(await labelsOf(source, "alice")).toEqual({ groups: [...names, "unique"].sort() });
    const byAttribute = await openSource({ urls: [slapd.url], groups: { from: "memberof", nested: "walk" } });
    expect(await labelsOf(byAttribute, "alice")).toEqual({ groups: [] });
  });
});
