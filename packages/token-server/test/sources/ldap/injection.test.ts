import { describePeers } from "@longshore/testkit/peers";
import { runLength } from "@longshore/testkit/run-length";
import fc from "fast-check";
import { AndFilter, EqualityFilter, OrFilter } from "ldapts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillFilter } from "../../../src/sources/ldap/filter.js";
import { commonNameOf, escapeDnValue, fillName, findNameProblem } from "../../../src/sources/ldap/names.js";
import { logIn, openSource } from "./harness.js";
import { group, GROUPS, PEOPLE, startSlapd, type Slapd } from "./slapd.js";

/** Texts full of what means something in filters and DNs. */
const hostile = fc.string({
  unit: fc.constantFrom(...'()*\\&|!=<>~:;,+"#/@ \0ax0éß中'.split(""), "\u{1f600}", "\\2a", "*)(uid=", ",ou="),
  maxLength: 12,
});

describe("a value in a filter", () => {
  it("is never syntax (RFC 4515)", () => {
    fc.assert(
      fc.property(hostile, hostile, (account, dn) => {
        const filter = fillFilter("(&(uid=${account})(|(mail=${account})(member=${dn})))", { account, dn });
        expect(filter).toEqual(
          new AndFilter({
            filters: [
              new EqualityFilter({ attribute: "uid", value: account }),
              new OrFilter({
                filters: [
                  new EqualityFilter({ attribute: "mail", value: account }),
                  new EqualityFilter({ attribute: "member", value: dn }),
                ],
              }),
            ],
          }),
        );
      }),
    );
  });

  it("doesn't bring placeholders of its own", () => {
    expect(fillFilter("(uid=${account})", { account: "${dn}", dn: "x" })).toEqual(
      new EqualityFilter({ attribute: "uid", value: "${dn}" }),
    );
  });
});

describe("a value in a DN", () => {
  it("is one value of one RDN (RFC 4514)", () => {
    fc.assert(
      fc.property(
        hostile.filter((value) => value !== ""),
        (value) => {
          expect(commonNameOf(`cn=${escapeDnValue(value)},ou=people,dc=example`)).toBe(value);
        },
      ),
    );
  });

  it.each([
    ["cn=a\\,b,dc=x", "a,b"],
    ["CN = Alice ,dc=x", "Alice"],
    ["uid=1+cn=b,dc=x", "b"],
    ["cn=Stra\\c3\\9fe,dc=x", "Straße"],
    ["cn=ends\\ ,dc=x", "ends "],
    ["ou=devs,cn=admins,dc=x", undefined],
    ["uid=a\\,cn=admins,dc=x", undefined],
    ["uid=\\+cn=admins,dc=x", undefined],
    ["cn=,dc=x", undefined],
    ["not a DN", undefined],
  ])("is read as a common name: %s", (dn, expected) => {
    expect(commonNameOf(dn)).toBe(expected);
  });

  it("can't make a name of another sort", () => {
    expect(fillName("${account}@corp.example", "alice@other")).toBeUndefined();
    expect(fillName("CORP\\${account}", "a\\b")).toBeUndefined();
    expect(findNameProblem("${account}")).toBeDefined();
    expect(findNameProblem("uid=alice,dc=x")).toBeDefined();
    expect(findNameProblem("uid=${account},dc=x")).toBeUndefined();
  });
});

describePeers("hostile names at OpenLDAP", ["slapd"], () => {
  /** Names of real users that would be somebody else's if they were syntax. */
  const names = [
    "a*",
    "(uid=*)",
    "x)(|(uid=*",
    "back\\slash",
    'quo"te',
    "com,ma",
    "pl+us",
    "#hash",
    "semi;colon",
    "e=q",
    "Jürgen",
    "<a>",
  ];
  let slapd: Slapd;

  beforeAll(async () => {
    slapd = await startSlapd();
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const entries = names.map(
      (name) => `
dn:: ${base64(`uid=${escapeDnValue(name)},${PEOPLE}`)}
objectClass: inetOrgPerson
uid:: ${base64(name)}
cn: person
sn: person
userPassword:: ${base64(`${name}'s secret`)}
`,
    );
    const dn = (name: string) => `uid=${escapeDnValue(name)},${PEOPLE}`;
    await slapd.add([...entries, group("commas", [dn("com,ma"), dn("e=q")])].join("\n"));
  });

  afterAll(() => slapd[Symbol.asyncDispose]());

  it.each([
    ["search and bind", {}],
    ["bind as the user first", { userdn: `uid=\${account},${PEOPLE}` }],
  ])("are names and nothing else, with %s", async (_, input) => {
    const groups = { from: "search", base: GROUPS } as const;
    const source = await openSource({ urls: [slapd.url], groups, ...input });
    for (const name of names) {
      const login = await logIn(source, name);
      expect(login).toMatchObject({ outcome: "identified", identity: { account: name } });
      if (login.outcome === "identified" && name === "com,ma")
        expect(login.identity.labels.get("groups")).toEqual(["commas"]);
      expect((await logIn(source, name, "wrong")).outcome).toBe("failed");
    }
  });

  it("never log in as anybody, with anybody's password", async () => {
    const searching = await openSource({ urls: [slapd.url] });
    const binding = await openSource({ urls: [slapd.url], userdn: `uid=\${account},${PEOPLE}` });
    const fold = (name: string) => name.toLowerCase().trim().replace(/\s+/g, " ");
    const known = new Set(names.map(fold));
    await fc.assert(
      fc.asyncProperty(
        hostile.filter((name) => !known.has(fold(name))),
        fc.constantFrom(...names),
        async (account, victim) => {
          for (const source of [searching, binding]) {
            const login = await logIn(source, account, `${victim}'s secret`);
            expect(login.outcome).not.toBe("identified");
          }
        },
      ),
      { numRuns: runLength({ short: 100, long: 2000 }) },
    );
  });
});
