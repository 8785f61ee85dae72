import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Access } from "../../src/access-controller.js";
import { createAccessController } from "../../src/factory.js";
import {
  access,
  ask,
  BASE_OPTIONS,
  challengeError,
  jwkSet,
  PULL,
  refusalOf,
  request,
  tokenController,
} from "./harness.js";
import { certify, goodClaims, makeKeys, makeToken, NOW, type KeyPair } from "./issuer.js";

const keys = makeKeys("EdDSA");
const jwks = jwkSet({ ed: keys.publicKey });
const SECONDS = NOW / 1000;

const tokenOf = (claims: Record<string, unknown>, { privateKey }: KeyPair = keys): string =>
  makeToken({ alg: "EdDSA", kid: "ed" }, goodClaims(claims), "EdDSA", privateKey);

describe("challenges", () => {
  it.each<[string, readonly Access[], string]>([
    ["nothing", [], ""],
    ["a pull", PULL, ',scope="repository:team/app:pull"'],
    [
      "a push with a mount",
      [access("a/b", "pull"), access("a/b", "push"), access("c/d", "pull")],
      ',scope="repository:a/b:pull,push repository:c/d:pull"',
    ],
    [
      "any order of actions",
      [access("a", "push"), access("a", "pull"), access("a", "push")],
      ',scope="repository:a:pull,push"',
    ],
    ["a delete", [access("a", "delete")], ',scope="repository:a:delete"'],
    ["the catalog", [{ type: "registry", name: "catalog", action: "*" }], ',scope="registry:catalog:*"'],
  ])("for %s", async (_name, accesses, scope) => {
    await using test = await tokenController({ jwks });
    const start = 'Bearer realm="https://auth.test/token",service="registry.test"';
    const missing = await refusalOf(() => test.controller.authorize(request(), accesses));
    expect(missing).toMatchObject({ challenge: start + scope, accesses, refusal: "missing" });
    const bad = await refusalOf(() => ask(test.controller, "x", accesses));
    expect(bad).toMatchObject({ challenge: `${start}${scope},error="invalid_token"`, refusal: "rejected" });
    if (accesses.length === 0) return;
    const little = await refusalOf(() => ask(test.controller, tokenOf({ access: [] }), accesses));
    const challenge = `${start}${scope},error="insufficient_scope"`;
    expect(little).toMatchObject({ challenge, refusal: "insufficient", account: "alice" });
  });

  it.each<[Record<string, unknown>, Record<string, string>, string]>([
    [{}, {}, "https://registry.test:5000/auth/token"],
    [{ autoredirectpath: "/other" }, {}, "https://registry.test:5000/other"],
    [{}, { "x-forwarded-proto": "http" }, "http://registry.test:5000/auth/token"],
    [{}, { "x-forwarded-proto": 'x"y' }, "https://registry.test:5000/auth/token"],
    [{}, { "x-forwarded-proto": "javascript" }, "https://registry.test:5000/auth/token"],
    [{}, { "x-forwarded-proto": "" }, "https://registry.test:5000/auth/token"],
    [{}, { host: "other.test" }, "https://other.test/auth/token"],
  ])("redirect to the requested host: %j %j", async (options, headers, realm) => {
    await using test = await tokenController({ jwks }, { autoredirect: true, ...options });
    const { challenge } = await refusalOf(() => test.controller.authorize(request(undefined, headers), []));
    expect(challenge).toBe(`Bearer realm="${realm}",service="registry.test"`);
  });
});

describe("what a token grants", () => {
  const granted = (entries: unknown) => tokenOf({ access: entries });
  const entry = (type: string, name: string, ...actions: string[]) => ({ type, name, actions });

  it.each<[unknown, readonly Access[], boolean]>([
    [[entry("repository", "a", "pull")], [access("a", "pull")], true],
    [[entry("repository", "a", "pull")], [access("a", "push")], false],
    [
      [entry("repository", "a", "pull"), entry("repository", "a", "push")],
      [access("a", "pull"), access("a", "push")],
      true,
    ],
    [[entry("repository", "a", "*")], [access("a", "delete")], true],
    [[entry("repository", "*", "*")], [access("a", "pull")], false],
    [[entry("repository", "a/*", "pull")], [access("a/b", "pull")], false],
    [[entry("repository", "A", "pull")], [access("a", "pull")], false],
    [[entry("repository(plugin)", "a", "pull")], [access("a", "pull")], false],
    [[{ ...entry("repository", "a", "pull"), class: "plugin" }], [access("a", "pull")], true],
    [[entry("repository", "a", "pull")], [access("a", "pull"), access("b", "pull")], false],
    [[entry("registry", "catalog", "*")], [{ type: "registry", name: "catalog", action: "*" }], true],
    [[entry("registry", "catalog", "pull")], [{ type: "registry", name: "catalog", action: "*" }], false],
    [[entry("repository", "catalog", "*")], [{ type: "registry", name: "catalog", action: "*" }], false],
    [[], [], true],
    [null, [], true],
  ])("%j for %j: %s", async (entries, accesses, allowed) => {
    await using test = await tokenController({ jwks });
    const asking = () => ask(test.controller, granted(entries), accesses);
    if (allowed) await expect(asking()).resolves.toMatchObject({ account: "alice", unrestricted: false });
    else expect(challengeError(await refusalOf(asking))).toBe("insufficient_scope");
  });

  it("includes classes", async () => {
    await using test = await tokenController({ jwks });
    const entries = [
      { type: "repository", class: "plugin", name: "a", actions: ["pull"] },
      entry("repository", "b", "pull"),
    ];
    const grant = await ask(test.controller, granted(entries), []);
    expect(grant.resources).toEqual([
      { type: "repository", class: "plugin", name: "a" },
      { type: "repository", class: "", name: "b" },
    ]);
  });

  it("belongs to no one if the token has no subject", async () => {
    await using test = await tokenController({ jwks });
    expect((await ask(test.controller, tokenOf({ sub: undefined }))).account).toBeUndefined();
  });

  it("may be for several services", async () => {
    await using test = await tokenController({ jwks });
    await ask(test.controller, tokenOf({ aud: ["other.test", "registry.test"] }));
  });
});

describe("time", () => {
  it.each<[Record<string, unknown>, number, boolean]>([
    [{ exp: SECONDS }, 60_000, true],
    [{ exp: SECONDS }, 60_001, false],
    [{ nbf: SECONDS + 60 }, 0, true],
    [{ nbf: SECONDS + 60 }, -1, false],
    [{ nbf: undefined }, 0, true],
  ])("has a leeway of 60 s: %j after %d ms", async (claims, after, allowed) => {
    await using test = await tokenController({ jwks });
    const token = tokenOf(claims);
    test.clock.time += after;
    if (allowed) await ask(test.controller, token);
    else expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
  });

  it("expires a cached token", async () => {
    await using test = await tokenController({ jwks });
    const token = tokenOf({ exp: SECONDS + 10 });
    await ask(test.controller, token);
    test.clock.time += 500;
    // Synchronously: no signature to verify, no wait.
    expect(test.controller.authorize(request(`Bearer ${token}`), PULL)).not.toBeInstanceOf(Promise);
    test.clock.time = NOW + 70_001;
    expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
  });

  it("allows a cached token no more than it grants", async () => {
    await using test = await tokenController({ jwks });
    const token = tokenOf({});
    await ask(test.controller, token);
    const refused = await refusalOf(() => test.controller.authorize(request(`Bearer ${token}`), [access("b", "pull")]));
    expect(challengeError(refused)).toBe("insufficient_scope");
  });
});

describe("keys that change", () => {
  it("are loaded from a new JWK set without a restart, and cached tokens of the old ones are dropped", async () => {
    await using test = await tokenController({ jwks });
    const next = makeKeys("EdDSA");
    const [oldToken, newToken] = [tokenOf({}), tokenOf({}, next)];
    await ask(test.controller, oldToken);
    const file = join(test.folder.path, "next.json");
    await writeFile(file, jwkSet({ ed: next.publicKey, more: makeKeys("EdDSA").publicKey }));
    await rename(file, join(test.folder.path, "jwks.json"));
    test.clock.time += 999;
    await ask(test.controller, oldToken);
    test.clock.time += 1;
    expect(challengeError(await refusalOf(() => ask(test.controller, oldToken)))).toBeUndefined();
    await ask(test.controller, newToken);
    await writeFile(join(test.folder.path, "jwks.json"), "not JSON");
    test.clock.time += 1000;
    await ask(test.controller, newToken);
    expect(test.log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    await expect(test.controller.reload?.()).rejects.toThrow("not JSON");
    await writeFile(join(test.folder.path, "jwks.json"), jwks);
    await test.controller.reload?.();
    await ask(test.controller, oldToken);
    expect(challengeError(await refusalOf(() => ask(test.controller, newToken)))).toBeUndefined();
  });

  it("are loaded from a new bundle, including roots", async () => {
    const [first, second] = await Promise.all([certify({ name: "one" }), certify({ name: "second" })]);
    const leaf = await certify({ issuer: first });
    await using test = await tokenController({ bundle: first.pem });
    const token = makeToken({ alg: "ES256", x5c: [leaf.der] }, goodClaims(), "ES256", leaf.privateKey);
    await ask(test.controller, token);
    await writeFile(join(test.folder.path, "bundle.pem"), second.pem);
    test.clock.time += 1000;
    expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
  });

  it("also change for the controller from the factory", async () => {
    await using test = await tokenController({ jwks });
    const options = { ...BASE_OPTIONS, jwks: join(test.folder.path, "jwks.json") };
    const controller = await createAccessController("token", options, {
      log: test.log,
      clock: test.clock.now,
      secret: "x",
    });
    await ask(controller, tokenOf({}));
    await controller.close();
  });
});
