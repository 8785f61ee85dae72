import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ChosenSource, IdentitySource, Login } from "../../src/contract.js";
import { oidc } from "../../src/oidc/machines/machine-kind.js";
import { loginContext, sourcePorts } from "../support.js";
import { makeKey, startIssuer, type Issuer, type IssuerKey } from "./issuer.js";

const REGISTRY = "https://registry.example.com";
const RSA = await makeKey("rsa-1");
const EC = await makeKey("ec-1", "ES256");
const STRANGER = await makeKey("rsa-1");

const GITHUB = "https://token.actions.githubusercontent.com";
const GITHUB_CLAIMS = {
  iss: GITHUB,
  aud: REGISTRY,
  sub: "repo:acme/app:ref:refs/heads/main",
  repository: "acme/app",
  repository_owner: "acme",
  repository_owner_id: "65",
  ref: "refs/heads/main",
  event_name: "push",
};

function seconds(offset: number): number {
  return Math.floor(Date.now() / 1000) + offset;
}

function choose(options: unknown): ChosenSource {
  return oidc.section("oidc").parse(options);
}

async function open(issuers: readonly unknown[], ports = sourcePorts()): Promise<IdentitySource> {
  const source = await choose({ issuers }).open(ports);
  onTestFinished(() => source.close());
  return source;
}

async function startIssuerForTest(keys: readonly IssuerKey[] = [RSA, EC]): Promise<Issuer> {
  const issuer = await startIssuer(keys);
  onTestFinished(() => issuer[Symbol.asyncDispose]());
  return issuer;
}

function rules(sub = "machine:*", more: object = {}) {
  return [{ claims: { sub }, ...more }];
}

function login(source: IdentitySource, password: string): Promise<Login> {
  return source.verify({ account: "whatever", password }, loginContext());
}

/** The claims of a token that the tests' rules take. */
function claims(issuer: Issuer, over: object = {}) {
  return { iss: issuer.url, aud: REGISTRY, sub: "machine:one", exp: seconds(300), iat: seconds(0), ...over };
}

function reason(found: Login): string {
  return found.outcome === "failed" ? found.reason : found.outcome;
}

describe("ID tokens as passwords", () => {
  test("tell the account, whatever the user name is", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    for (const key of [RSA, EC]) {
      expect(await login(source, await key.sign(claims(issuer)))).toEqual({
        outcome: "identified",
        identity: { account: "machine:one", labels: new Map() },
        renewable: false,
      });
    }
  });

  test("of GitHub's shape map to an account and labels", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([
      {
        issuer: GITHUB,
        audience: REGISTRY,
        jwks: `${issuer.url}/jwks`,
        rules: [
          {
            claims: { repository_owner_id: 65, sub: "repo:acme/*:ref:refs/heads/main" },
            account: "github/${repository}",
            labels: { repository: "${repository}", team: ["ci", "${repository_owner}"] },
          },
        ],
      },
    ]);
    const exp = seconds(300);
    expect(await login(source, await RSA.sign({ ...GITHUB_CLAIMS, exp }))).toEqual({
      outcome: "identified",
      identity: {
        account: "github/acme/app",
        labels: new Map([
          ["repository", ["acme/app"]],
          ["team", ["ci", "acme"]],
        ]),
      },
      renewable: false,
    });
    for (const over of [
      { sub: "repo:acme/app:pull_request" },
      { sub: "repo:acme/app:ref:refs/heads/main:x" },
      { repository_owner_id: "66" },
    ]) {
      expect(reason(await login(source, await RSA.sign({ ...GITHUB_CLAIMS, ...over, exp })))).toContain(
        "no rule admits",
      );
    }
  });

  test("of Kubernetes' shape match nested claims", async () => {
    const issuer = await startIssuerForTest();
    const claim = { "kubernetes.io": { namespace: "ci" } };
    const source = await open([
      { issuer: issuer.url, audience: REGISTRY, rules: [{ claims: claim, account: "k8s/${kubernetes.io.namespace}" }] },
    ]);
    const found = await login(source, await RSA.sign({ ...claims(issuer), aud: [REGISTRY], ...claim }));
    expect(found).toMatchObject({ identity: { account: "k8s/ci" } });
    const other = { ...claims(issuer), "kubernetes.io": { namespace: "prod" } };
    expect(reason(await login(source, await RSA.sign(other)))).toContain(
      "no rule admits it; the rules miss kubernetes.io.namespace",
    );
  });

  test("are left to other sources if they are none of these issuers", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    for (const password of [
      "secret",
      "",
      "a.b.c",
      await RSA.sign({ iss: `${issuer.url}/` }),
      await RSA.sign({ iss: 1 }),
    ]) {
      expect(await login(source, password)).toEqual({ outcome: "unknown" });
    }
    expect(issuer.asked).toEqual([]);
  });

  test.each<[string, object, string]>([
    ["another audience", { aud: "https://other.example.com" }, "audience is another service"],
    ["no audience", { aud: undefined }, "needs iss, aud and exp"],
    ["several audiences", { aud: [REGISTRY, "https://other.example.com"] }, "also for other services"],
    ["no expiry", { exp: undefined }, "needs iss, aud and exp"],
    ["the past", { exp: seconds(-61) }, "has expired"],
    ["the future", { nbf: seconds(300) }, "not valid yet"],
    ["a clock ahead", { iat: seconds(300) }, "issued in the future"],
    ["another subject", { sub: "machine:one:more" }, "no rule admits"],
    ["no subject", { sub: undefined }, "no rule admits"],
  ])("of %s are refused", async (_name, over, message) => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    expect(reason(await login(source, await RSA.sign(claims(issuer, over))))).toContain(message);
  });

  test("within the leeway are taken", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    const token = await RSA.sign(claims(issuer, { exp: seconds(-30), nbf: seconds(30), iat: seconds(30) }));
    expect(await login(source, token)).toMatchObject({ outcome: "identified" });
  });

  test("that were remembered expire all the same", async () => {
    const issuer = await startIssuerForTest();
    let now = Date.now();
    const source = await open(
      [{ issuer: issuer.url, audience: REGISTRY, rules: rules() }],
      sourcePorts({ clock: () => now }),
    );
    const token = await RSA.sign(claims(issuer));
    expect(await login(source, token)).toMatchObject({ outcome: "identified" });
    now += 400_000;
    expect(reason(await login(source, token))).toContain("has expired");
  });

  test("with an unverified email address don't count by it", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([
      { issuer: issuer.url, audience: REGISTRY, rules: [{ claims: { email: "*@example.com" }, account: "${email}" }] },
    ]);
    const email = "ann@example.com";
    expect(reason(await login(source, await RSA.sign(claims(issuer, { email }))))).toContain("not verified");
    expect(reason(await login(source, await RSA.sign(claims(issuer, { email, email_verified: false }))))).toContain(
      "not verified",
    );
    const found = await login(source, await RSA.sign(claims(issuer, { email, email_verified: true })));
    expect(found).toMatchObject({ identity: { account: email } });
  });
});

describe("forged ID tokens", () => {
  test("with an algorithm of the attacker's choice are refused", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    const payload = claims(issuer);
    const body = Buffer.from(JSON.stringify(payload)).toString("base64url");
    const none = Buffer.from(JSON.stringify({ alg: "none", kid: RSA.kid })).toString("base64url");
    const publicKey = new TextEncoder().encode(JSON.stringify(RSA.jwk));
    const hmac = await new SignJWT(payload).setProtectedHeader({ alg: "HS256", kid: RSA.kid }).sign(publicKey);
    for (const token of [`${none}.${body}.AA`, hmac]) {
      expect(reason(await login(source, token))).toContain("algorithm is not allowed");
    }
    expect(await login(source, `${none}.${body}.`)).toEqual({ outcome: "unknown" });
    // The elliptic key's id with RSA's algorithm, and the other way round.
    expect(reason(await login(source, await RSA.sign(payload, { kid: EC.kid })))).toContain("doesn't fit its key");
    expect(reason(await login(source, await EC.sign(payload, { kid: RSA.kid })))).toContain("doesn't fit its key");
  });

  test("with a key of the attacker's choice are refused, and nothing in the header is fetched", async () => {
    const issuer = await startIssuerForTest();
    const trap = await startIssuerForTest([STRANGER]);
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    const payload = claims(issuer);
    const headers = [
      {},
      { jwk: STRANGER.jwk },
      { jku: `${trap.url}/jwks` },
      { x5u: `${trap.url}/jwks` },
      { kid: "../../../dev/null" },
      { kid: `${trap.url}/jwks` },
      { kid: "__proto__" },
      { kid: undefined },
    ];
    for (const header of headers) {
      expect((await login(source, await STRANGER.sign(payload, header))).outcome).toBe("failed");
    }
    expect(trap.asked).toEqual([]);
  });

  test("of one issuer don't pass for another's", async () => {
    const [one, other] = [await startIssuerForTest([RSA]), await startIssuerForTest([STRANGER])];
    const source = await open([
      { issuer: one.url, audience: REGISTRY, rules: rules() },
      { issuer: other.url, audience: `${REGISTRY}/other`, rules: rules("other:*") },
    ]);
    // Signed by the second issuer, in the name of the first.
    expect(reason(await login(source, await STRANGER.sign(claims(one))))).toContain("signature is wrong");
    // For the first one's audience, from the second.
    expect(reason(await login(source, await STRANGER.sign(claims(other))))).toContain("audience is another service");
    const subject = { aud: `${REGISTRY}/other` };
    expect(reason(await login(source, await STRANGER.sign(claims(other, subject))))).toContain("no rule admits");
  });

  test("that are other kinds of JWT of the same issuer are refused", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    for (const typ of ["at+jwt", "application/at+jwt", "logout+jwt", "secevent+jwt"]) {
      expect(reason(await login(source, await RSA.sign(claims(issuer), { typ })))).toContain("another kind of JWT");
    }
    expect(await login(source, await RSA.sign(claims(issuer), { typ: "JWT" }))).toMatchObject({
      outcome: "identified",
    });
  });

  test("never get into the log or into a reason", async () => {
    const issuer = await startIssuerForTest();
    const ports = sourcePorts();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }], ports);
    const tokens = [
      await STRANGER.sign(claims(issuer)),
      await RSA.sign(claims(issuer, { aud: "x" })),
      await RSA.sign(claims(issuer, { sub: "y" })),
    ];
    const said = await Promise.all(tokens.map(async (token) => reason(await login(source, token))));
    for (const token of tokens) {
      for (const part of token.split(".")) expect([...said, ...ports.log.lines].join("\n")).not.toContain(part);
    }
  });
});

describe("the exchange of an ID token", () => {
  const ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token";

  async function exchange(source: IdentitySource, form: Record<string, string>) {
    const [grant] = source.grants ?? [];
    expect(grant?.type).toBe("urn:ietf:params:oauth:grant-type:token-exchange");
    return grant?.redeem(new URLSearchParams(form), loginContext());
  }

  test("says whose it is, and what was issued", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    for (const type of [ID_TOKEN, "urn:ietf:params:oauth:token-type:jwt"]) {
      const form = { subject_token: await RSA.sign(claims(issuer)), subject_token_type: type };
      expect(await exchange(source, form)).toMatchObject({
        login: { outcome: "identified", identity: { account: "machine:one" }, renewable: false },
        extra: { issued_token_type: "urn:ietf:params:oauth:token-type:access_token" },
      });
    }
  });

  test("refuses what is no ID token of a configured issuer, and what it can't do", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    const token = await RSA.sign(claims(issuer));
    for (const subject of ["secret", await RSA.sign({ ...claims(issuer), iss: "https://evil.example" })]) {
      const form = { subject_token: subject, subject_token_type: ID_TOKEN };
      expect(await exchange(source, form)).toMatchObject({ login: { outcome: "failed" } });
    }
    for (const form of [
      { subject_token_type: ID_TOKEN },
      { subject_token: token },
      { subject_token: token, subject_token_type: "urn:ietf:params:oauth:token-type:saml2" },
      { subject_token: token, subject_token_type: ID_TOKEN, actor_token: token },
      { subject_token: token, subject_token_type: ID_TOKEN, requested_token_type: ID_TOKEN },
    ]) {
      await expect(exchange(source, form)).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    }
  });
});

describe("an issuer's keys", () => {
  test("are asked for again when a token names one that isn't known, and not for each such token", async () => {
    const issuer = await startIssuerForTest([RSA]);
    let now = Date.now();
    const source = await open(
      [{ issuer: issuer.url, audience: REGISTRY, rules: rules() }],
      sourcePorts({ clock: () => now }),
    );
    expect(await login(source, await RSA.sign(claims(issuer)))).toMatchObject({ outcome: "identified" });
    issuer.keys = [RSA, EC];
    expect(reason(await login(source, await EC.sign(claims(issuer))))).toContain("not one of its issuer");
    const before = issuer.asked.length;
    for (let count = 0; count < 10; count += 1) await login(source, await EC.sign(claims(issuer)));
    expect(issuer.asked.length).toBe(before);
    now += 31_000;
    expect(await login(source, await EC.sign(claims(issuer)))).toMatchObject({ outcome: "identified" });
  });

  test("that are withdrawn end the tokens that were remembered", async () => {
    const issuer = await startIssuerForTest([RSA, EC]);
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    const token = await RSA.sign(claims(issuer));
    expect(await login(source, token)).toMatchObject({ outcome: "identified" });
    issuer.keys = [EC];
    await source.reload?.();
    expect(reason(await login(source, token))).toContain("not one of its issuer");
  });

  test("that can't be had are no reason to refuse a token as wrong", async () => {
    const issuer = await startIssuerForTest();
    issuer.interrupt = (_path, response) => {
      response.writeHead(503).end();
      return true;
    };
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    await expect(login(source, await RSA.sign(claims(issuer)))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("of an issuer that hangs hold up no other issuer", async () => {
    const [stuck, quick] = [await startIssuerForTest(), await startIssuerForTest()];
    stuck.interrupt = () => true;
    const source = await open([stuck, quick].map(({ url }) => ({ issuer: url, audience: REGISTRY, rules: rules() })));
    const gone = new AbortController();
    const password = await RSA.sign(claims(stuck));
    const waiting = source.verify({ account: "", password }, loginContext({ signal: gone.signal }));
    await expect.poll(() => stuck.asked.length, { timeout: 60_000 }).toBe(1);
    expect(await login(source, await RSA.sign(claims(quick)))).toMatchObject({ outcome: "identified" });
    gone.abort(new Error("the client has gone"));
    await expect(waiting).rejects.toThrow("the client has gone");
  });

  test.each<[string, (issuer: Issuer) => object]>([
    ["another issuer's document", () => ({ issuer: "https://evil.example", jwks_uri: "https://evil.example/jwks" })],
    ["keys without TLS", ({ url }) => ({ issuer: url, jwks_uri: "http://keys.example/jwks" })],
    ["keys in a file", ({ url }) => ({ issuer: url, jwks_uri: "file:///etc/passwd" })],
    ["no keys", ({ url }) => ({ issuer: url })],
  ])("are not taken from %s", async (_name, document) => {
    const issuer = await startIssuerForTest();
    issuer.interrupt = (path, response) => {
      if (path === "/jwks") return false;
      response.end(JSON.stringify(document(issuer)));
      return true;
    };
    const ports = sourcePorts();
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }], ports);
    await expect(login(source, await RSA.sign(claims(issuer)))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(ports.log.lines.join()).toMatch(/of another issuer|is not https|needs issuer and jwks_uri/);
    expect(issuer.asked).not.toContain("/jwks");
  });

  test("are bounded: an endless document is cut off", async () => {
    const issuer = await startIssuerForTest();
    issuer.interrupt = (_path, response) => {
      response.on("error", () => undefined);
      const more = (): void => {
        while (!response.destroyed && response.write(" ".repeat(65_536)));
      };
      response.on("drain", more);
      more();
      return true;
    };
    const source = await open([{ issuer: issuer.url, audience: REGISTRY, rules: rules() }]);
    await expect(login(source, await RSA.sign(claims(issuer)))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("the options", () => {
  const base = { issuer: "https://ci.example.com", audience: REGISTRY };
  test.each<[string, object, string]>([
    ["no rules", { rules: [] }, "at least one rule"],
    ["a rule for everything", { rules: [{ claims: {} }] }, "every token of the issuer"],
    ["a rule of stars", { rules: [{ claims: { sub: "**" } }] }, "every token of the issuer"],
    ["no audience", { audience: [], rules: rules() }, "audience"],
    ["an issuer without TLS", { issuer: "http://ci.example.com", rules: rules() }, "https://"],
    ["keys without TLS", { jwks: "http://ci.example.com/jwks", rules: rules() }, "https://"],
    ["the default audience", { audience: "https://ci.example.com", rules: rules() }, "by default"],
    ["GitHub's default audience", { audience: "https://github.com/acme", rules: rules() }, "by default"],
    ["a secret as key", { algorithms: ["HS256"], rules: rules() }, "not accepted"],
    ["no signature", { algorithms: ["none"], rules: rules() }, "not accepted"],
    ["a bad template", { rules: rules("x", { account: "${" }) }, "isn't closed"],
    ["GitHub without owner", { issuer: GITHUB, rules: rules("repo:*/app:**") }, "anyone can get tokens"],
    ["GitHub by branch", { issuer: GITHUB, rules: [{ claims: { ref: "refs/heads/main" } }] }, "anyone can get tokens"],
    [
      "GitHub by one owner of two",
      { issuer: GITHUB, rules: rules("x", { claims: { sub: ["repo:acme/*:**", "repo:*:**"] } }) },
      "anyone can get tokens",
    ],
  ])("refuse %s", (_name, over, message) => {
    const parsed = oidc.section("oidc").safeParse({ issuers: [{ ...base, ...over }] });
    expect(parsed.error?.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join()).toContain(message);
  });

  test("refuse an issuer that is there twice, and none at all", () => {
    const issuer = { ...base, rules: rules() };
    expect(oidc.section("oidc").safeParse({ issuers: [issuer, issuer] }).error?.message).toContain("twice");
    expect(oidc.section("oidc").safeParse({ issuers: [] }).error?.message).toContain("at least one issuer");
  });

  test("warn of account names that people choose", () => {
    const issuer = { ...base, rules: rules("x", { account: "${user_login}" }) };
    expect(
      choose({ issuers: [issuer] })
        .remarks.map(({ message }) => message)
        .join(),
    ).toContain("put a prefix before it");
  });

  test("take the default audience where the operator insists", async () => {
    const issuer = await startIssuerForTest();
    const source = await open([{ issuer: issuer.url, audience: issuer.url, sharedaudience: true, rules: rules() }]);
    const token = await RSA.sign(claims(issuer, { aud: [issuer.url, "other"] }));
    expect(await login(source, token)).toMatchObject({ outcome: "identified" });
  });

  test("are tried: verify says whether the keys can be had", async () => {
    const issuer = await startIssuerForTest();
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    issuer.keys = [RSA, { ...RSA, jwk: publicKey.export({ format: "jwk" }) }];
    const request = { remote: true, patience: 60_000, now: new Date() };
    const chosen = choose({ issuers: [{ issuer: issuer.url, audience: REGISTRY, rules: rules() }] });
    expect((await chosen.verify(request)).map(({ message }) => message).join()).toContain("a key is not used");
    issuer.interrupt = (_path, response) => {
      response.writeHead(404).end();
      return true;
    };
    expect((await chosen.verify(request)).map(({ message }) => message).join()).toContain(
      "can't be had: the issuer answered 404",
    );
    expect(await chosen.verify({ ...request, remote: false })).toEqual([]);
    const missing = choose({ issuers: [{ ...base, jwks: "/nonexistent/jwks.json", rules: rules() }] });
    expect(await missing.verify({ ...request, remote: false })).toMatchObject([{ severity: "error" }]);
  });
});
