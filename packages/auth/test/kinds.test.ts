import { describe, expect, it } from "vitest";
import { requiredText } from "@longshore/options/declare";
import { parseAccess } from "../src/factory.js";
import { basicCredentials } from "../src/identities/basic.js";
import type { Authentication, PasswordAuthenticator } from "../src/identities/identity.js";
import { canCombine, declareController, declarePasswordSource } from "../src/methods/kind.js";
import { AUTH_KINDS } from "../src/methods/kinds.js";
import { standInTokens } from "./own-tokens.js";
import { failure, recordingLog, request } from "./htpasswd/support.js";

/** A password source with a single user. */
const single = declarePasswordSource({
  name: "single",
  meaning: "One user.",
  options: { user: requiredText("The user."), password: requiredText("The password.") },
  choose: ({ user, password }) => ({
    realm: "toy",
    service: "toy",
    throttle: undefined,
    verify: () => Promise.resolve([{ severity: "warning", path: ["password"], message: "found in the configuration" }]),
    open: () => Promise.resolve(createSingle(user, password)),
  }),
});

function createSingle(user: string, password: string): PasswordAuthenticator {
  const identity = { account: user, labels: new Map<string, readonly string[]>() };
  const passwords: PasswordAuthenticator = {
    name: "single",
    identify(incoming): Authentication | Promise<Authentication> {
      const credentials = basicCredentials(incoming);
      if (credentials === undefined) return { outcome: "absent" };
      if (credentials === "malformed") return { outcome: "failed", account: undefined, reason: "malformed" };
      return passwords.verify(credentials, incoming.remoteAddress);
    },
    verify: (given) =>
      given.account === user && given.password === password
        ? { outcome: "identified", identity }
        : { outcome: "failed", account: given.account, reason: "wrong password" },
    lookup: (account) => Promise.resolve(account === user ? { identity, stamp: password } : undefined),
    close: () => Promise.resolve(),
  };
  return passwords;
}

/** A controller that admits everyone. */
const open = declareController({
  name: "open",
  meaning: "Everybody is welcome.",
  options: {},
  choose: () => ({
    withoutRules: "everybody is welcome",
    open: () =>
      Promise.resolve({
        name: "open",
        authorize: () => ({ account: "guest", unrestricted: true }),
        close: () => Promise.resolve(),
      }),
  }),
});

const KINDS = [...AUTH_KINDS, single, open];
const OPTIONS = { user: "toni", password: "toy" };
const ports = { log: recordingLog(), clock: Date.now, secret: "a secret", ownTokens: standInTokens };
const pull = (name: string) => [{ type: "repository", name, action: "pull" }];

describe("a password source that is added to the list", () => {
  it("logs users in, subject to the rules", async () => {
    const rules = [{ match: { account: "toni", name: "toys/*" }, actions: ["pull"] }];
    const controller = await parseAccess({ single: OPTIONS }, KINDS).open({ ...ports, rules });
    expect(controller.name).toBe("single");
    expect(await controller.authorize(request("toni:toy"), pull("toys/car"))).toMatchObject({ account: "toni" });
    expect((await failure(() => controller.authorize(request("toni:toy"), pull("tools/saw")))).code).toBe("DENIED");
    expect((await failure(() => controller.authorize(request("toni:boy"), pull("toys/car")))).fault).toMatchObject({
      code: "UNAUTHENTICATED",
      challenge: 'Basic realm="toy"',
    });
    await controller.close();
  });

  it("issues the registry's own tokens if rules admit anonymous users", async () => {
    const grant = { type: "repository", repository: "public/*", action: ["pull"] };
    const rules = [
      { name: "anonymous", ...grant },
      { name: "toni", ...grant },
    ];
    const controller = await parseAccess({ single: OPTIONS }, KINDS).open({ ...ports, rules });
    const query = new URLSearchParams({ service: "toy", scope: "repository:public/car:pull" });
    const answer = await controller.tokens?.issue({ ...request("toni:toy"), query, form: undefined });
    expect(answer).toMatchObject({ account: "toni", granted: pull("public/car") });
    await controller.close();
  });

  it("can be combined with client certificates", async () => {
    const chosen = parseAccess({ mtls: {}, single: OPTIONS }, KINDS);
    expect([chosen.kind, chosen.usesCertificates]).toEqual(["single", true]);
    const peerCertificate = {
      verified: true,
      subject: { CN: "builder" },
      issuer: {},
      fingerprint256: "",
      raw: new Uint8Array(),
    };
    const controller = await chosen.open(ports);
    const shown = request(undefined, "192.0.2.1", { peerCertificate });
    expect(await controller.authorize(shown, pull("a"))).toMatchObject({ account: "builder" });
    expect(await controller.authorize(request("toni:toy"), pull("a"))).toMatchObject({ account: "toni" });
    await controller.close();
  });

  it("has its options checked, and is verified with its section's name", async () => {
    const verified = await parseAccess({ single: OPTIONS }, KINDS).verify({
      remote: false,
      patience: 0,
      now: new Date(),
    });
    expect(verified).toEqual([expect.objectContaining({ path: ["single", "password"] })]);
    expect((await failure(() => parseAccess({ single: { user: "toni" } }, KINDS))).fault).toMatchObject({
      path: "single.password",
    });
    expect((await failure(() => parseAccess({ single: { ...OPTIONS, usr: "x" } }, KINDS))).message).toContain("usr");
  });
});

describe("a controller that is added to the list", () => {
  it("decides alone", async () => {
    const controller = await parseAccess({ open: {} }, KINDS).open(ports);
    expect(await controller.authorize(request(), pull("a"))).toMatchObject({ account: "guest" });
    expect((await failure(() => parseAccess({ open: {} }, KINDS).open({ ...ports, rules: [] }))).message).toMatch(
      /everybody is welcome; remove the rules/,
    );
  });

  it.each([["htpasswd"], ["mtls"], ["single"]])("can't be combined with %s", async (other) => {
    const refused = await failure(() => parseAccess({ open: {}, [other]: OPTIONS }, KINDS));
    expect(refused.message).toContain("these can't be combined");
  });
});

it("certificates can be combined with one password source, and nothing else can", () => {
  expect(canCombine(["certificates", "passwords"])).toBe(true);
  expect(canCombine(["passwords", "passwords"])).toBe(false);
  expect(canCombine(["certificates", "passwords", "passwords"])).toBe(false);
  expect(canCombine(["controller", "controller"])).toBe(false);
});
