import { generateKeyPairSync } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { SIGNING_ALGORITHMS } from "../../src/keys/algorithms.js";
import { libtrustKeyId, thumbprint, unpaddedThumbprint } from "../../src/keys/key-id.js";
import { ask, challengeError, faultOf, jwkSet, PULL, refusalOf, tokenController } from "./harness.js";
import { certify, goodClaims, makeKeys, makeToken, NOW, type Certified } from "./issuer.js";

describe.each(SIGNING_ALGORITHMS)("%s", (alg) => {
  it("is verified with a key of a JWK set by its kid", async () => {
    const { publicKey, privateKey } = makeKeys(alg);
    await using test = await tokenController({ jwks: jwkSet({ k1: publicKey }) });
    const good = makeToken({ alg, kid: "k1", typ: "JWT" }, goodClaims(), alg, privateKey);
    const grant = await ask(test.controller, good);
    expect(grant).toMatchObject({ account: "alice", unrestricted: false });
    // Another signer's token with the same kid.
    const forged = makeToken({ alg, kid: "k1", typ: "JWT" }, goodClaims(), alg, makeKeys(alg).privateKey);
    const refused = await refusalOf(() => ask(test.controller, forged));
    expect(challengeError(refused)).toBeUndefined();
  });

  it("is refused if signingalgorithms doesn't include it", async () => {
    const { publicKey, privateKey } = makeKeys(alg);
    const signingalgorithms = SIGNING_ALGORITHMS.filter((other) => other !== alg);
    await using test = await tokenController({ jwks: jwkSet({ k1: publicKey }) }, { signingalgorithms });
    const token = makeToken({ alg, kid: "k1" }, goodClaims(), alg, privateKey);
    expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
  });
});

describe("keys in the rootcertbundle", () => {
  let ec: Certified;
  let rsa: Certified;
  beforeAll(async () => {
    [ec, rsa] = await Promise.all([certify({ name: "ec" }), certify({ name: "rsa", algorithm: "RS256" })]);
  });

  it.each([
    ["RFC 7638 thumbprint", thumbprint],
    ["Distribution's thumbprint", unpaddedThumbprint],
    ["libtrust id", libtrustKeyId],
  ])("are identified by %s", async (_name, idOf) => {
    await using test = await tokenController({ bundle: ec.pem + rsa.pem });
    for (const [alg, key] of [
      ["ES256", ec],
      ["RS256", rsa],
      ["PS512", rsa],
    ] as const) {
      const token = makeToken({ alg, kid: idOf(key.publicKey) }, goodClaims(), alg, key.privateKey);
      expect(await ask(test.controller, token)).toMatchObject({ account: "alice" });
    }
  });

  it("are identified by the thumbprint of their curve's generator if that is unambiguous", async () => {
    // What docker_auth sends for every key on P-256.
    const kid = "xx0BcA-wMohw8atYDJOe6peGModklG2wRHBlXHMvl0M";
    const other = await certify({ name: "other" });
    const token = makeToken({ alg: "ES256", kid }, goodClaims(), "ES256", ec.privateKey);
    await using one = await tokenController({ bundle: ec.pem + rsa.pem });
    expect(await ask(one.controller, token)).toMatchObject({ account: "alice" });
    const forged = makeToken({ alg: "ES256", kid }, goodClaims(), "ES256", other.privateKey);
    expect(challengeError(await refusalOf(() => ask(one.controller, forged)))).toBeUndefined();
    await using two = await tokenController({ bundle: ec.pem + other.pem });
    expect(challengeError(await refusalOf(() => ask(two.controller, token)))).toBe("invalid_token");
  });

  it("are roots of x5c chains, with and without an intermediate", async () => {
    const intermediate = await certify({ name: "between", issuer: rsa, ca: true });
    const leaf = await certify({ name: "leaf", issuer: intermediate });
    const direct = await certify({ name: "direct", issuer: ec });
    await using test = await tokenController({ bundle: ec.pem + rsa.pem });
    for (const [key, x5c] of [
      [leaf, [leaf.der, intermediate.der]],
      // The rest of the list may be in any order and contain more than is needed.
      [leaf, [leaf.der, direct.der, rsa.der, intermediate.der]],
      [direct, [direct.der]],
      // A certificate from the bundle itself.
      [ec, [ec.der]],
    ] as const) {
      const token = makeToken({ alg: "ES256", x5c }, goodClaims(), "ES256", key.privateKey);
      expect(await ask(test.controller, token)).toMatchObject({ account: "alice" });
    }
  });

  it("are found by an embedded jwk: by its chain, or by its kid for the trusted key", async () => {
    const leaf = await certify({ name: "leaf", issuer: ec });
    await using test = await tokenController({ bundle: ec.pem });
    const chained = { ...leaf.publicKey.export({ format: "jwk" }), x5c: [leaf.der] };
    const byChain = makeToken({ alg: "ES256", jwk: chained }, goodClaims(), "ES256", leaf.privateKey);
    expect(await ask(test.controller, byChain)).toMatchObject({ account: "alice" });
    const named = { ...ec.publicKey.export({ format: "jwk" }), kid: thumbprint(ec.publicKey) };
    const byId = makeToken({ alg: "ES256", jwk: named }, goodClaims(), "ES256", ec.privateKey);
    expect(await ask(test.controller, byId)).toMatchObject({ account: "alice" });
  });

  it("expire a token when a certificate in its chain expires", async () => {
    const leaf = await certify({ issuer: ec, notAfter: NOW + 100_000 });
    await using test = await tokenController({ bundle: ec.pem });
    const token = makeToken({ alg: "ES256", x5c: [leaf.der] }, goodClaims({ exp: 2e9 }), "ES256", leaf.privateKey);
    await ask(test.controller, token);
    test.clock.time += 100_000;
    await ask(test.controller, token);
    test.clock.time += 1;
    expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
  });
});

describe("the start is refused", () => {
  const rsa1024 = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  const secp = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey;

  it.each<[string, Parameters<typeof tokenController>[0], Record<string, unknown>, RegExp]>([
    ["without keys", {}, {}, /^token\.rootcertbundle: token auth requires at least one token signing key/],
    ["for an empty bundle", { bundle: "" }, {}, /token\.rootcertbundle: .*it holds no PEM certificate: it is empty/],
    [
      "for a broken certificate",
      { bundle: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
      {},
      /token\.rootcertbundle: .*certificate 1: it is not a certificate/,
    ],
    ["for a file that isn't there", {}, { rootcertbundle: "/no/b.pem" }, /: \/no\/b\.pem can't be read \(ENOENT\)$/],
    ["for an invalid JWK set", { jwks: "{}" }, {}, /token\.jwks: .*it is not a JWK set/],
    ["for text instead of JSON", { jwks: "keys" }, {}, /token\.jwks: .*it is not JSON/],
    ["for an RSA key that is too short", { jwks: jwkSet({ a: rsa1024 }) }, {}, /key 1: an RSA key of 1024 bits/],
    ["for a curve that tokens don't use", { jwks: jwkSet({ a: secp }) }, {}, /key 1: .*secp256k1/],
    [
      "for a secret as a key",
      { jwks: '{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}' },
      {},
      /key 1: it is not a public/,
    ],
    ["for HMAC", {}, { jwks: "/x", signingalgorithms: ["HS256"] }, /signingalgorithms\.0: HS256 is not supported/],
    [
      "for the algorithm none",
      {},
      { jwks: "/x", signingalgorithms: ["none"] },
      /signingalgorithms\.0: "none" would let anyone in/,
    ],
    [
      "for unknown algorithms",
      {},
      { jwks: "/x", signingalgorithms: ["RS257"] },
      /unknown algorithm "RS257"; use one of/,
    ],
    ["for unknown options", {}, { jwks: "/x", jkws: "/y" }, /jkws/],
    ["for a realm that isn't there", {}, { jwks: "/x", realm: "" }, /^token\.realm/],
    ["for another protocol", {}, { jwks: "ftp://x/y" }, /only http and https/],
  ])("%s", async (_name, files, options, message) => {
    const fault = await faultOf(() => tokenController(files, options));
    expect(fault.code).toBe("INVALID_OPTIONS");
    expect(fault.code === "INVALID_OPTIONS" ? `${fault.path}: ${fault.reason}` : "").toMatch(message);
  });

  it("for rules, which the issuer wouldn't know", async () => {
    const jwks = jwkSet({ a: makeKeys("EdDSA").publicKey });
    const fault = await faultOf(() => tokenController({ jwks }, {}, { rules: [] }));
    expect(fault).toMatchObject({ code: "INVALID_OPTIONS", path: "token" });
  });
});

describe("a JWK set", () => {
  it("may restrict what a key is used for", async () => {
    const { publicKey, privateKey } = makeKeys("RS256");
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k", alg: "RS256", key_ops: ["verify"] };
    await using test = await tokenController({ jwks: JSON.stringify({ keys: [jwk] }) });
    await ask(test.controller, makeToken({ alg: "RS256", kid: "k" }, goodClaims(), "RS256", privateKey));
    for (const alg of ["RS512", "PS256"] as const) {
      const token = makeToken({ alg, kid: "k" }, goodClaims(), alg, privateKey);
      expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
    }
  });

  it("keeps its usable keys, logs the others, and finds a key without kid by its thumbprint", async () => {
    const { publicKey, privateKey } = makeKeys("EdDSA");
    const other = makeKeys("ES256");
    const keys = [
      { kty: "oct", k: "c2VjcmV0", kid: "secret" },
      { ...other.publicKey.export({ format: "jwk" }), kid: "enc", use: "enc" },
      { ...other.publicKey.export({ format: "jwk" }), kid: "misfit", alg: "RS256" },
      publicKey.export({ format: "jwk" }),
    ];
    await using test = await tokenController({ jwks: JSON.stringify({ keys }) });
    const token = makeToken({ alg: "EdDSA", kid: thumbprint(publicKey) }, goodClaims(), "EdDSA", privateKey);
    expect(await ask(test.controller, token, PULL)).toMatchObject({ account: "alice" });
    expect(test.log.lines.map(({ fields }) => fields?.["key"])).toEqual([1, 2, 3]);
    for (const kid of ["enc", "misfit", "secret"]) {
      const refused = makeToken({ alg: "ES256", kid }, goodClaims(), "ES256", other.privateKey);
      expect(challengeError(await refusalOf(() => ask(test.controller, refused)))).toBe("invalid_token");
    }
  });
});
