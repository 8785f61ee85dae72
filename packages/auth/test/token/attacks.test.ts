import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { thumbprint } from "../../src/keys/key-id.js";
import { ask, challengeError, jwkSet, refusalOf, request, tokenController } from "./harness.js";
import {
  certify,
  encode,
  goodClaims,
  makeKeys,
  makeToken,
  NOW,
  signature,
  type Certified,
  type KeyPair,
} from "./issuer.js";

const SECONDS = NOW / 1000;

describe("attacks on tokens", () => {
  let test: Awaited<ReturnType<typeof tokenController>>;
  let root: Certified;
  let leaf: Certified;
  let stranger: Certified;
  let rsa: KeyPair;
  let ed: KeyPair;
  let ownKey: KeyPair;

  beforeAll(async () => {
    root = await certify({ name: "root" });
    leaf = await certify({ name: "leaf", issuer: root });
    stranger = await certify({ name: "root" });
    rsa = makeKeys("RS256");
    ed = makeKeys("EdDSA");
    ownKey = makeKeys("ES256");
    test = await tokenController({ bundle: root.pem, jwks: jwkSet({ rsa: rsa.publicKey, ed: ed.publicKey }) });
  });
  afterAll(() => test[Symbol.asyncDispose]());

  async function outcome(token: string): Promise<string | undefined> {
    return challengeError(await refusalOf(() => ask(test.controller, token)));
  }

  /** A valid token except for what `header` and `claims` change. */
  const edToken = (header: Record<string, unknown>, claims: unknown = goodClaims()): string =>
    makeToken({ alg: "EdDSA", kid: "ed", ...header }, claims, "EdDSA", ed.privateKey);

  it("starts from a valid token", async () => {
    await expect(ask(test.controller, edToken({}))).resolves.toMatchObject({ account: "alice" });
  });

  it.each(["none", "None", "NONE", "nOnE", ""])("alg %j, with and without a signature", async (alg) => {
    const input = `${encode({ alg, kid: "ed" })}.${encode(goodClaims())}`;
    expect(await outcome(`${input}.`)).toBe("invalid_token");
    expect(await outcome(`${input}.${signature("EdDSA", input, ed.privateKey)}`)).toBe("invalid_token");
  });

  it.each(["HS256", "HS384", "HS512"])("%s with a public key as the secret", async (alg) => {
    const secrets = [
      rsa.publicKey.export({ type: "spki", format: "pem" }),
      rsa.publicKey.export({ type: "spki", format: "der" }),
      rsa.publicKey.export({ type: "pkcs1", format: "pem" }),
      JSON.stringify(rsa.publicKey.export({ format: "jwk" })),
      root.pem,
    ];
    for (const secret of secrets) {
      const input = `${encode({ alg, kid: "rsa" })}.${encode(goodClaims())}`;
      const mac = createHmac(`sha${alg.slice(2)}`, secret)
        .update(input)
        .digest("base64url");
      expect(await outcome(`${input}.${mac}`)).toBe("invalid_token");
    }
  });

  it("an algorithm that doesn't fit the named key", async () => {
    for (const [alg, kid] of [
      ["ES256", "rsa"],
      ["RS256", "ed"],
      ["EdDSA", "rsa"],
      ["ES384", thumbprint(root.publicKey)],
    ]) {
      expect(await outcome(edToken({ alg, kid }))).toBe("invalid_token");
    }
  });

  it("the kid of another key, an unknown one, and none", async () => {
    // An RSA key serves both paddings, so the wrong padding is a wrong signature.
    const other = makeToken({ alg: "RS256", kid: "rsa" }, goodClaims(), "PS256", rsa.privateKey);
    expect(await outcome(other)).toBeUndefined();
    const wrong = makeToken({ alg: "EdDSA", kid: "ed" }, goodClaims(), "EdDSA", makeKeys("EdDSA").privateKey);
    expect(await outcome(wrong)).toBeUndefined();
    for (const kid of ["", undefined, null, "ED", "ed ", "__proto__", "constructor"]) {
      expect(await outcome(edToken({ kid }))).toBe("invalid_token");
    }
    for (const kid of [1, {}, ["ed"], true]) expect(await outcome(edToken({ kid }))).toBe("invalid_token");
  });

  it("a signature or a payload that was changed", async () => {
    const [header = "", , mac = ""] = edToken({}).split(".");
    const claims = goodClaims({ sub: "root" });
    expect(await outcome(`${header}.${encode(claims)}.${mac}`)).toBeUndefined();
    expect(await outcome(`${header}.${encode(goodClaims())}.${mac.slice(0, -4)}`)).toBeUndefined();
    expect(await outcome(`${header}.${encode(goodClaims())}.AAAA`)).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>, string | undefined]>([
    ["expired", { exp: SECONDS - 61 }, "invalid_token"],
    ["without exp", { exp: undefined }, "invalid_token"],
    ["with exp null", { exp: null }, "invalid_token"],
    ["not yet valid", { nbf: SECONDS + 61 }, "invalid_token"],
    ["for another service", { aud: "other.test" }, "invalid_token"],
    ["for other services", { aud: ["other.test", "registry.test."] }, "invalid_token"],
    ["for no service", { aud: [] }, "invalid_token"],
    ["without aud", { aud: undefined }, "invalid_token"],
    ["of another issuer", { iss: "https://issuer.test/" }, "invalid_token"],
    ["without iss", { iss: undefined }, "invalid_token"],
    ["with exp as text", { exp: String(SECONDS + 300) }, undefined],
    ["with exp as a fraction", { exp: SECONDS + 300.5 }, undefined],
    ["with exp beyond all integers", { exp: 1e300 }, undefined],
    ["with nbf as text", { nbf: "0" }, undefined],
    ["with aud as a number", { aud: 1 }, undefined],
    ["with aud of numbers", { aud: ["registry.test", 1] }, undefined],
    ["with iss as a list", { iss: ["https://issuer.test"] }, undefined],
    ["with sub as an object", { sub: { name: "alice" } }, undefined],
    ["with access as an object", { access: { type: "repository" } }, undefined],
    ["with access of null", { access: [null] }, undefined],
    ["with actions as text", { access: [{ type: "repository", name: "team/app", actions: "pull" }] }, undefined],
    ["with a name as a list", { access: [{ type: "repository", name: ["team/app"], actions: ["pull"] }] }, undefined],
  ])("a token %s", async (_name, claims, error) => {
    expect(await outcome(edToken({}, goodClaims(claims)))).toBe(error);
  });

  it("payloads that aren't claims", async () => {
    for (const payload of ["", "null", "[]", '"text"', "1", "{", "\u0000", "{} {}"]) {
      const token = edToken({}, payload === "" ? " " : payload);
      expect(await outcome(token)).toBeUndefined();
    }
    const input = `${encode({ alg: "EdDSA", kid: "ed" })}.${Buffer.from([0x22, 0xff, 0x22]).toString("base64url")}`;
    expect(await outcome(`${input}.${signature("EdDSA", input, ed.privateKey)}`)).toBeUndefined();
  });

  it("uses the last of duplicate claims, as other readers of the token do", async () => {
    const claims = JSON.stringify(goodClaims()).slice(0, -1);
    expect(await outcome(edToken({}, `${claims},"aud":"other.test"}`))).toBe("invalid_token");
    expect(await outcome(edToken({}, `${claims},"access":[]}`))).toBe("insufficient_scope");
    const header = '{"alg":"EdDSA","kid":"ed","alg":"none"}';
    expect(await outcome(makeToken(header, goodClaims(), "EdDSA", ed.privateKey))).toBe("invalid_token");
  });

  it.each<[string, Record<string, unknown>]>([
    ["an unknown crit", { crit: ["x"], x: 1 }],
    ["crit with b64", { crit: ["b64"], b64: false }],
    ["crit with b64 as it is anyway", { crit: ["b64"], b64: true }],
    ["crit that is empty", { crit: [] }],
    ["crit with exp", { crit: ["exp"], exp: SECONDS + 300 }],
    ["b64 without crit", { b64: false }],
    ["x5c that is empty", { x5c: [] }],
    ["x5c of other things", { x5c: ["AAAA"] }],
    ["x5c that is no list", { x5c: "AAAA" }],
    ["a jwk that is not an object", { jwk: "ed" }],
    ["jwk that is empty", { jwk: {} }],
    ["alg as a list", { alg: ["EdDSA"] }],
  ])("a header with %s", async (_name, header) => {
    expect(await outcome(edToken(header))).toBe("invalid_token");
  });

  it("an unencoded payload, which a detached signature would let through", async () => {
    const header = encode({ alg: "EdDSA", kid: "ed", crit: ["b64"], b64: false });
    const mac = signature("EdDSA", `${header}.${JSON.stringify(goodClaims())}`, ed.privateKey);
    expect(await outcome(`${header}.${JSON.stringify(goodClaims())}.${mac}`)).toBe("invalid_token");
    expect(await outcome(`${header}..${mac}`)).toBe("invalid_token");
  });

  it("a key that the token carries itself", async () => {
    const jwk = ownKey.publicKey.export({ format: "jwk" });
    for (const header of [
      { jwk },
      { jwk, kid: "ed" },
      { jwk: { ...jwk, kid: "unknown" } },
      { jwk: { ...jwk, kid: thumbprint(ownKey.publicKey) } },
      { jku: "https://evil.test/jwks.json", jwk },
      { x5u: "https://evil.test/chain.pem", kid: "mine" },
    ]) {
      const token = makeToken({ alg: "ES256", ...header }, goodClaims(), "ES256", ownKey.privateKey);
      expect(await outcome(token)).toBe("invalid_token");
    }
    // With a trusted kid, the trusted key is used, so the signature is wrong.
    const named = { alg: "ES256", jwk: { ...jwk, kid: thumbprint(root.publicKey) } };
    expect(await outcome(makeToken(named, goodClaims(), "ES256", ownKey.privateKey))).toBeUndefined();
  });

  it("an embedded key with someone else's chain", async () => {
    const jwk = { ...ownKey.publicKey.export({ format: "jwk" }), x5c: [leaf.der] };
    const token = makeToken({ alg: "ES256", jwk }, goodClaims(), "ES256", ownKey.privateKey);
    expect(await outcome(token)).toBe("invalid_token");
  });

  it("invalid chains", async () => {
    const selfSigned = await certify({ name: "me" });
    const byLeaf = await certify({ name: "child", issuer: leaf });
    const noRoom = await certify({ name: "no room", issuer: root, ca: true, pathLength: 0 });
    const tooDeep = await certify({ name: "too deep", issuer: noRoom, ca: true });
    const deepest = await certify({ name: "deepest", issuer: tooDeep });
    const old = await certify({ issuer: root, notAfter: NOW - 1000 });
    const early = await certify({ issuer: root, notBefore: NOW + 1000 });
    const oldCa = await certify({ name: "old CA", issuer: root, ca: true, notAfter: NOW - 1000 });
    const constrained = await certify({ name: "constrained", issuer: root, ca: true, critical: "2.5.29.30" });
    for (const [name, key, x5c] of [
      ["self-signed", selfSigned, [selfSigned.der]],
      ["self-signed beside a trusted one", selfSigned, [selfSigned.der, leaf.der, root.der]],
      ["a namesake of the root", stranger, [stranger.der, root.der]],
      ["of a certificate that is no CA", byLeaf, [byLeaf.der, leaf.der]],
      ["deeper than the CA allows", deepest, [deepest.der, tooDeep.der, noRoom.der]],
      ["expired", old, [old.der]],
      ["not yet valid", early, [early.der]],
      ["of an expired CA", oldCa, [(await certify({ issuer: oldCa })).der, oldCa.der]],
      ["with the intermediate missing", deepest, [deepest.der, noRoom.der]],
      ["with a constraint that isn't understood", constrained, [constrained.der]],
      ["of too many certificates", leaf, [leaf.der, ...Array.from({ length: 10 }, () => root.der)]],
    ] as const) {
      const token = makeToken({ alg: "ES256", x5c }, goodClaims(), "ES256", key.privateKey);
      expect(await outcome(token), name).toBe("invalid_token");
    }
    // The leaf is trusted, but isn't the signer's.
    const notMine = makeToken({ alg: "ES256", x5c: [leaf.der, root.der] }, goodClaims(), "ES256", ownKey.privateKey);
    expect(await outcome(notMine)).toBeUndefined();
    // A kid doesn't make up for a bad chain: the first rule that applies is final.
    const fallback = makeToken({ alg: "EdDSA", kid: "ed", x5c: [stranger.der] }, goodClaims(), "EdDSA", ed.privateKey);
    expect(await outcome(fallback)).toBe("invalid_token");
  });

  it("a chain signed with SHA-1", async () => {
    for (const sha1 of [false, true]) {
      const authority = await certify({ name: "authority", algorithm: "RS256", sha1 });
      const key = await certify({ issuer: authority, algorithm: "RS256", sha1 });
      await using other = await tokenController({ bundle: authority.pem });
      const token = makeToken({ alg: "RS256", x5c: [key.der] }, goodClaims(), "RS256", key.privateKey);
      if (!sha1) await ask(other.controller, token);
      else expect(challengeError(await refusalOf(() => ask(other.controller, token)))).toBe("invalid_token");
    }
  });

  it("what isn't a compact JWS, is too long, or too deeply nested", async () => {
    const good = edToken({});
    const deep = "[".repeat(20_000) + "]".repeat(20_000);
    const [header = "", payload = "", mac = ""] = good.split(".");
    for (const token of [
      "x",
      ".",
      "..",
      "...",
      `${good}.`,
      `.${good}`,
      `${good}.a.b`,
      ` ${good}`,
      `${good} `,
      `${good}=`,
      `${good},${good}`,
      `${header}.${payload}`,
      `${header}=.${payload}.${mac}`,
      `!!!.${payload}.${mac}`,
      JSON.stringify({ protected: header, payload, signature: mac }),
      edToken({}, goodClaims({ padding: "x".repeat(64 * 1024) })),
      edToken({ padding: "x".repeat(64 * 1024) }),
      makeToken(`{"alg":"EdDSA","kid":"ed","x":${deep}`, goodClaims(), "EdDSA", ed.privateKey),
      "a".repeat(1024 * 1024),
    ]) {
      expect(await outcome(token), token.slice(0, 40)).toBe("invalid_token");
    }
    // Depth alone is harmless in parts that aren't parsed.
    const nested = `${JSON.stringify(goodClaims()).slice(0, -1)},"x":${deep}}`;
    expect(await ask(test.controller, edToken({}, nested))).toMatchObject({ account: "alice" });
  });

  it("other spellings of the header", async () => {
    const good = edToken({});
    for (const line of [`bearer ${good}`, `BEARER ${good}`]) {
      await expect(Promise.resolve(test.controller.authorize(request(line), []))).resolves.toBeDefined();
    }
    for (const [line, error] of [
      [undefined, undefined],
      ["", undefined],
      ["Bearer", undefined],
      ["Bearer ", undefined],
      [`Bearer\t${good}`, undefined],
      [`Basic ${good}`, undefined],
      [good, undefined],
      [`Bearer  ${good}`, "invalid_token"],
    ]) {
      const refused = await refusalOf(() => test.controller.authorize(request(line), []));
      expect(challengeError(refused), line).toBe(error);
    }
  });

  it("reveals nothing of the token to the client, and logs only what was compared", async () => {
    const claims = { jti: "SECRET-id", sub: "SECRET-account" };
    for (const [token, details] of [
      [edToken({ kid: "one" }, goodClaims(claims)), { "token.keyid": "one" }],
      [
        edToken({}, goodClaims({ ...claims, aud: "two" })),
        { "token.audience": "two", "token.audience.expected": "registry.test" },
      ],
      ["SECRET", {}],
    ] as const) {
      const { details: found, ...refused } = await refusalOf(() => ask(test.controller, token));
      expect(JSON.stringify(refused)).not.toMatch(/SECRET|"one"|"two"/);
      const expected = { ...found, ...details };
      expect(found).toEqual(expected);
    }
    expect(JSON.stringify(test.log.lines)).not.toContain("SECRET");
  });
});
