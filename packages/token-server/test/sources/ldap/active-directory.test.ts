import { describe, expect, it, onTestFinished } from "vitest";
import { loginContext } from "../../support.js";
import { failure } from "../support.js";
import { labelsOf, logIn, openSource } from "./harness.js";
import { startStandIn, type StandInAnswers, type StandInSearch } from "./stand-in.js";

const BASE = "dc=corp,dc=example";
const ALICE = `CN=Alice Example,OU=People,${BASE}`;
const filter = "(&(objectClass=user)(sAMAccountName=${account}))";

async function open(answers: StandInAnswers, input: object = {}) {
  const server = await startStandIn(answers);
  onTestFinished(server.close);
  return openSource({ urls: [server.ldapUrl], base: BASE, filter, ...input });
}

/** Whether the search is for a user's own entry. */
const isForUser = ({ filter: asked }: StandInSearch, name: string) =>
  asked.toString().toLowerCase().includes(`(samaccountname=${name})`);

const alice = (attributes: Readonly<Record<string, readonly string[]>> = {}) => ({
  dn: ALICE,
  attributes: {
    sAMAccountName: ["Alice"],
    userAccountControl: ["512"],
    accountExpires: ["9223372036854775807"],
    ...attributes,
  },
});

// Active Directory can't be had here: these tests are against a stand-in that speaks LDAP and answers as it does.
describe("accounts of Active Directory", () => {
  it("have nested groups by its matching rule in chain, if asked for", async () => {
    const asked: string[] = [];
    const source = await open(
      {
        search(search) {
          asked.push(search.filter.toString());
          if (isForUser(search, "alice")) return [alice()];
          return [
            { dn: `CN=Developers,OU=Groups,${BASE}`, attributes: { cn: ["Developers"] } },
            { dn: `CN=All\\, really,OU=Groups,${BASE}`, attributes: { cn: ["All, really"] } },
          ];
        },
      },
      { groups: { nested: "chain" } },
    );
    expect(await labelsOf(source, "alice")).toEqual({ groups: ["All, really", "Developers"] });
    const chain = asked.filter((each) => each.includes("1.2.840.113556.1.4.1941"));
    expect(chain).toEqual([`(|(member:1.2.840.113556.1.4.1941:=${ALICE}))`]);
  });

  it("never ask other servers by that rule: harbor#9110", async () => {
    const asked: string[] = [];
    const source = await open(
      {
        search(search) {
          asked.push(search.filter.toString());
          return isForUser(search, "alice") ? [alice()] : [];
        },
      },
      { groups: { from: "search", nested: "walk" } },
    );
    await labelsOf(source, "alice");
    expect(asked.join("")).not.toContain("1.2.840.113556");
  });

  it("have all of a long list of groups, which comes in parts", async () => {
    const parts: string[] = [];
    const dn = (n: number) => `CN=g${n},OU=Groups,${BASE}`;
    const source = await open(
      {
        search(search) {
          if (isForUser(search, "alice")) return [alice({ memberOf: [], "memberOf;range=0-1": [dn(0), dn(1)] })];
          parts.push(...search.attributes);
          const isLast = search.attributes.includes("memberOf;range=4-*");
          const attributes = isLast ? { "memberOf;range=4-*": [dn(4)] } : { "memberOf;range=2-3": [dn(2), dn(3)] };
          return [{ dn: ALICE, attributes }];
        },
      },
      { groups: {} },
    );
    expect(await labelsOf(source, "alice")).toEqual({ groups: ["g0", "g1", "g2", "g3", "g4"] });
    expect(parts).toEqual(["memberOf;range=2-*", "memberOf;range=4-*"]);
  });

  it("bind as user@domain or DOMAIN\\user, and not by a name that means something else there", async () => {
    const bound: string[] = [];
    const answers: StandInAnswers = {
      bind(name) {
        bound.push(name);
        return 0;
      },
      search: () => [alice()],
    };
    const source = await open(answers, { userdn: "${account}@corp.example" });
    expect((await logIn(source, "alice")).outcome).toBe("identified");
    expect(bound).toEqual(["alice@corp.example", ALICE]);
    for (const account of ["bob@other.example", "CN=x,DC=y", "OTHER\\bob", "EXTERNAL@", "a b"])
      expect(await logIn(source, account)).toEqual({ outcome: "unknown" });
    expect(bound).toHaveLength(2);
    const domain = await open(answers, { userdn: "CORP\\${account}" });
    expect((await logIn(domain, "alice")).outcome).toBe("identified");
    expect(bound[2]).toBe("CORP\\alice");
  });

  it.each([
    ["533", "the account is disabled"],
    ["775", "the account is locked"],
    ["773", "the password must be changed first"],
    ["52e", "the password is wrong"],
    ["fff", "the name or the password is wrong"],
  ])("fail with the reason that the directory gives as data %s", async (data, reason) => {
    const text = `80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data ${data}, v4563`;
    const source = await open({
      bind: (name) => (name === ALICE ? { code: 49, text } : 0),
      search: () => [alice()],
    });
    expect(await logIn(source, "alice")).toEqual({ outcome: "failed", reason });
  });

  it("don't log in once they are disabled, and are not found by a lookup", async () => {
    const source = await open({ search: () => [alice({ userAccountControl: ["514"] })] });
    expect((await logIn(source, "alice")).outcome).toBe("failed");
    expect(await source.lookup?.("alice", loginContext())).toBeUndefined();
  });
});

describe("an unusual directory", () => {
  it("can't log anybody in by an entry without a name: a bind as such is anonymous", async () => {
    const source = await open({ search: () => [{ dn: "", attributes: { sAMAccountName: ["alice"] } }] });
    expect(await logIn(source, "alice")).toEqual({ outcome: "unknown" });
  });

  it("that refers to another server isn't followed: harbor#20641", async () => {
    const source = await open({ search: () => 10 });
    const error = await failure(() => logIn(source, "alice"));
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toContain("referrals aren't followed");
  });

  it("that wants TLS is named as such", async () => {
    const source = await open({ bind: () => 8 });
    expect((await failure(() => logIn(source, "alice"))).message).toContain("over TLS only");
  });

  it("can't fill the memory", async () => {
    const huge = alice({ title: ["x".repeat(1024 * 1024)] });
    const source = await open({ search: () => Array.from({ length: 9 }, () => huge) });
    const error = await failure(() => logIn(source, "alice"));
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toContain("8388608 bytes");
  });

  it("with one entry that doesn't tell the account's name refuses the login", async () => {
    const source = await open({ search: () => [{ dn: ALICE, attributes: { sAMAccountName: ["someone-else"] } }] });
    expect((await logIn(source, "alice")).outcome).toBe("failed");
  });
});
