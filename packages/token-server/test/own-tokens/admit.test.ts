import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRules, isAuthError, type Access, type Grant } from "@longshore/auth";
import { access, challengeError, encode, faultOf, foreignKeys, makeToken, NOW, refusalOf, request } from "./harness.js";
import { basic, get, site, textOf } from "./site.js";

const ALICE = basic("alice", "wonderland");

type Site = ReturnType<typeof site>;

async function tokenFor({ server }: Site, scope: string | readonly string[], authorization?: string): Promise<string> {
  return textOf((await server.issue(get({ scope }, authorization))).document, "token");
}

async function admit({ server }: Site, token: string, accesses: readonly Access[]): Promise<Grant> {
  const grant = await server.admit(request(`Bearer ${token}`), accesses);
  if (grant === undefined) throw new Error("not looked at");
  return grant;
}

describe("the registry's own tokens", () => {
  it("admit, with what they grant", async () => {
    const here = site();
    const token = await tokenFor(here, "repository:alice/a:pull,push", ALICE);
    const grant = await admit(here, token, [access("alice/a", "pull"), access("alice/a", "push")]);
    expect(grant).toMatchObject({ account: "alice", unrestricted: false });
    expect(grant.resources).toEqual([{ type: "repository", class: "", name: "alice/a" }]);
    const refused = await refusalOf(() => admit(here, token, [access("alice/b", "pull")]));
    expect(refused).toMatchObject({
      refusal: "insufficient",
      account: "alice",
      challenge:
        'Bearer realm="https://registry.test:5000/auth/token",service="registry.test",' +
        'scope="repository:alice/b:pull",error="insufficient_scope"',
    });
  });

  it("are accepted by every process with the same secret, and by no other", async () => {
    const token = await tokenFor(site(), "repository:public/a:pull");
    await admit(site(), token, [access("public/a", "pull")]);
    for (const other of [site({ secret: "other" }), site({ service: "other.test" })]) {
      const refused = await refusalOf(() => admit(other, token, []));
      expect(challengeError(refused)).toBe("invalid_token");
    }
  });

  it("are valid for less than five minutes, including the clocks' leeway", async () => {
    const here = site();
    const token = await tokenFor(here, "repository:public/a:pull");
    here.clock.time += 300_000;
    await admit(here, token, [access("public/a", "pull")]);
    here.clock.time += 1;
    expect(challengeError(await refusalOf(() => admit(here, token, [])))).toBe("invalid_token");
  });

  it.each([undefined, "unknown", "203.0.113.9", "::1"])(
    "don't extend to another address what a rule grants to one: %s",
    async (remoteAddress) => {
      const here = site({
        ruleList: [
          { match: { account: "", name: "public/*" }, actions: ["pull"] },
          { match: { ip: "10.0.0.0/8", name: "internal/*" }, actions: ["pull"] },
        ],
      });
      const wanted = [access("internal/a", "pull")];
      const inside = get({ scope: ["repository:internal/a:pull", "repository:public/a:pull"] }, undefined, {
        remoteAddress: "10.1.2.3",
      });
      const token = textOf((await here.server.issue(inside)).document, "token");
      const from = (address: string | undefined) => ({ ...request(`Bearer ${token}`), remoteAddress: address });
      await here.server.admit(from("10.9.9.9"), wanted);
      const refused = await refusalOf(async () => here.server.admit(from(remoteAddress), wanted));
      expect(refused).toMatchObject({ refusal: "insufficient" });
      expect(challengeError(refused)).toBe("insufficient_scope");
      const grant = await here.server.admit(from(remoteAddress), [access("public/a", "pull")]);
      expect(grant?.allows?.(access("internal/a", "pull"))).toBe(false);
    },
  );

  it("are requested with a challenge, and read only from Bearer headers", async () => {
    const { server } = site();
    expect(server.admit(request(), [])).toBeUndefined();
    expect(server.admit(request(ALICE), [])).toBeUndefined();
    expect(server.challenge(request(), [access("a", "pull"), access("a", "push")])).toBe(
      'Bearer realm="https://registry.test:5000/auth/token",service="registry.test",scope="repository:a:pull,push"',
    );
    expect(challengeError(await refusalOf(() => server.admit(request("Bearer x"), [])))).toBe("invalid_token");
  });

  it("can't be forged", async () => {
    const here = site();
    const { privateKey, publicKey } = foreignKeys();
    const seconds = NOW / 1000;
    const claims = { iss: "registry.test", aud: "registry.test", sub: "alice", iat: seconds, exp: seconds + 240 };
    const [own = ""] = (await tokenFor(here, [])).split(".");
    for (const header of [
      JSON.parse(Buffer.from(own, "base64url").toString()),
      { alg: "EdDSA", jwk: publicKey.export({ format: "jwk" }) },
      { alg: "EdDSA" },
    ]) {
      await refusalOf(() => admit(here, makeToken(header, claims, privateKey), []));
    }
    await refusalOf(() => admit(here, `${encode({ alg: "none" })}.${encode(claims)}.`, []));
  });

  it("can't be issued with an empty secret", async () => {
    const fault = await faultOf(() => site({ secret: "" }));
    expect(fault).toMatchObject({ code: "INVALID_OPTIONS", path: "http.secret" });
  });

  it("filter listings by the current rules, including labels and address", async () => {
    const ruleList = [
      { match: { labels: { team: "blue" }, name: "blue/*" }, actions: ["pull"] },
      { match: { ip: "192.0.2.0/24", name: "near/*" }, actions: ["pull"] },
      { match: { account: "", name: "public/*" }, actions: ["pull"] },
    ];
    const here = site({ ruleList });
    const bob = await admit(here, await tokenFor(here, [], basic("bob", "builder")), []);
    const nobody = await admit(here, await tokenFor(here, []), []);
    const seen = (grant: Grant) =>
      ["blue/a", "near/a", "public/a", "other/a"].filter((name) => grant.allows?.(access(name, "pull")));
    expect(seen(bob)).toEqual(["blue/a", "near/a"]);
    expect(seen(nobody)).toEqual(["near/a", "public/a"]);
    here.setRules([]);
    expect(seen(bob)).toEqual([]);
  });
});

describe("for any rules and scopes", () => {
  const account = fc.constantFrom("", "alice", "bob");
  const name = fc.constantFrom("alice/a", "public/a", "public/a/b", "blue/a");
  const action = fc.constantFrom("pull", "pull", "push", "*");
  const type = fc.constantFrom("repository", "repository", "repository", "registry");
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const match = fc
    .record({
      account: optional(fc.constantFrom("alice", "bob", "", "*", "/.+/")),
      type: optional(type),
      name: optional(
        fc.constantFrom("alice/*", "${account}/*", "public/*", "/^public/", "catalog", "${labels:team}/*"),
      ),
    })
    .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
  const rule = fc.record({ match, actions: fc.uniqueArray(action, { maxLength: 2 }) });
  const wish = fc.record({ type, name, action });

  it("a token grants exactly what was requested and granted", async () => {
    let opened = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(rule, { minLength: 1, maxLength: 4 }),
        account,
        fc.array(wish, { minLength: 1, maxLength: 4 }),
        fc.array(wish, { minLength: 1, maxLength: 3 }),
        async (ruleList, who, asked, others) => {
          const here = site({ ruleList });
          const passwords: Record<string, string> = { alice: "wonderland", bob: "builder" };
          const authorization = who === "" ? undefined : basic(who, passwords[who] ?? "");
          const scope = asked.map((one) => `${one.type}:${one.name}:${one.action}`);
          const token = await tokenFor(here, scope, authorization);
          const rules = compileRules(ruleList);
          const labels = new Map(who === "bob" ? [["team", ["blue"]]] : []);
          const subject = { account: who, labels, ip: "192.0.2.1", service: "registry.test" };
          const mayHave = (one: Access, wanted: string): boolean => {
            const actions = asked.filter((a) => a.type === one.type && a.name === one.name).map((a) => a.action);
            return rules.granted(subject, { ...one, actions }).includes(wanted);
          };
          for (const one of [...asked, ...others]) {
            const isIn = await admit(here, token, [one]).then(
              () => true,
              (error: unknown) => {
                if (isAuthError(error, "UNAUTHENTICATED")) return false;
                throw error;
              },
            );
            expect(isIn).toBe(mayHave(one, one.action) || mayHave(one, "*"));
            if (isIn) opened += 1;
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(opened).toBeGreaterThan(20);
  });
});
