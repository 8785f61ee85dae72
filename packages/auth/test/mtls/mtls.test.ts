import { describe, expect, it } from "vitest";
import type { PeerCertificate } from "../../src/access-controller.js";
import { parseAlternativeNames } from "../../src/methods/mtls/alternative-names.js";
import { createMtlsAuthenticator } from "../../src/methods/mtls/mtls-authenticator.js";
import { createAccessController } from "../../src/factory.js";
import { standInTokens } from "../own-tokens.js";
import { failure, recordingLog, request } from "../htpasswd/support.js";

function certificate(parts: Partial<PeerCertificate> = {}): PeerCertificate {
  const subject = { CN: "builder", O: "Acme", OU: ["ci", "release"] };
  return { verified: true, subject, issuer: { CN: "CA" }, fingerprint256: "AA:BB", raw: new Uint8Array(), ...parts };
}

const from = (peerCertificate: PeerCertificate | undefined) => request(undefined, "192.0.2.1", { peerCertificate });

describe("alternative names", () => {
  it.each([
    ["", []],
    ["DNS:a.example", [["DNS", "a.example"]]],
    [
      "DNS:a, URI:spiffe://x/y, email:a@b, IP Address:10.0.0.1",
      [
        ["DNS", "a"],
        ["URI", "spiffe://x/y"],
        ["email", "a@b"],
        ["IP Address", "10.0.0.1"],
      ],
    ],
    [
      'DNS:"a, DNS:evil", DNS:b',
      [
        ["DNS", "a, DNS:evil"],
        ["DNS", "b"],
      ],
    ],
    ['URI:"a\\u002c \\"b"', [["URI", 'a, "b']]],
  ])("are parsed from %j", (text, names) => {
    expect(parseAlternativeNames(text)?.map(({ kind, value }) => [kind, value])).toEqual(names);
  });

  it.each(["x", "DNS:a,DNS:b", "DNS:a, ", 'DNS:"a', 'DNS:"a"b', 'DNS:a"b"', ", DNS:a", 'DNS:"\\x"', "DNS:a, nothing"])(
    "aren't partly parsed from %j",
    (text) => {
      expect(parseAlternativeNames(text)).toBeUndefined();
    },
  );
});

describe("a client certificate", () => {
  const san = { subjectAltName: 'DNS:"x, DNS:admin", email:ci@acme, DNS:host, URI:spiffe://acme/ci' };

  it.each([
    ["cn", {}, "builder"],
    ["dns", san, "x, DNS:admin"],
    ["email", san, "ci@acme"],
    ["uri", san, "spiffe://acme/ci"],
  ] as const)("names its account by %s", (account, parts, expected) => {
    const found = createMtlsAuthenticator({ account }).identify(from(certificate(parts)));
    expect(found).toMatchObject({ outcome: "identified", identity: { account: expected } });
  });

  it("provides its organisation and units as labels, which rules take literally", () => {
    const found = createMtlsAuthenticator({ account: "cn" }).identify(from(certificate()));
    const labels = new Map([
      ["O", ["Acme"]],
      ["OU", ["ci", "release"]],
    ]);
    expect(found).toEqual({ outcome: "identified", identity: { account: "builder", labels } });
  });

  it("that is unverified or absent identifies no one", () => {
    const authenticator = createMtlsAuthenticator({ account: "cn" });
    expect(authenticator.identify(from(certificate({ verified: false })))).toEqual({ outcome: "absent" });
    expect(authenticator.identify(from(undefined))).toEqual({ outcome: "absent" });
  });

  it.each([
    ["cn", { subject: {} }],
    ["cn", { subject: { CN: "" } }],
    ["cn", { subject: { CN: ["builder", "admin"] } }],
    ["cn", { subject: { CN: "a\nb" } }],
    ["dns", {}],
    ["dns", { subjectAltName: "email:a@b" }],
    ["dns", { subjectAltName: "DNS:a, broken" }],
  ] as const)("without a usable name (%s, %j) is no identity, and not anonymous either", (account, parts) => {
    const found = createMtlsAuthenticator({ account }).identify(from(certificate(parts)));
    expect(found).toMatchObject({ outcome: "failed", account: undefined });
  });
});

describe("the controller mtls", () => {
  const ports = { log: recordingLog(), clock: Date.now, secret: "a secret", ownTokens: standInTokens };
  const pull = (name: string) => [{ type: "repository", name, action: "pull" }];

  it("allows every certificate holder everything without rules", async () => {
    const controller = await createAccessController("mtls", {}, ports);
    expect(await controller.authorize(from(certificate()), pull("a"))).toMatchObject({
      account: "builder",
      unrestricted: true,
    });
    const error = await failure(() => controller.authorize(from(undefined), pull("a")));
    expect(error.fault).toMatchObject({
      code: "UNAUTHENTICATED",
      challenge: 'Basic realm="Registry Realm"',
      refusal: "missing",
    });
    await controller.close();
  });

  it("lets rules match labels", async () => {
    const rules = [{ match: { labels: { OU: "ci" }, name: "${labels:OU}/*" }, actions: ["pull"] }];
    const controller = await createAccessController("mtls", { account: "cn" }, { ...ports, rules });
    expect(await controller.authorize(from(certificate()), pull("release/x"))).toMatchObject({ unrestricted: false });
    expect((await failure(() => controller.authorize(from(certificate()), pull("other/x")))).fault).toMatchObject({
      code: "DENIED",
      account: "builder",
      detail: "the rules don't grant builder: pull of repository other/x",
    });
    await controller.close();
  });

  it("admits everyone to what rules grant without a login", async () => {
    const rules = [{ name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] }];
    const controller = await createAccessController("mtls", {}, { ...ports, rules });
    expect(await controller.authorize(from(undefined), pull("public/x"))).toMatchObject({ account: "" });
    const error = await failure(() => controller.authorize(from(undefined), pull("private/x")));
    expect(error.fault).toMatchObject({
      challenge: expect.stringMatching(/^Bearer realm="https:\/\/reg\/auth\/token"/) as unknown,
    });
    expect(controller.tokens).toBeDefined();
    await controller.close();
  });

  it.each([
    [{ account: "san" }, "mtls.account"],
    [{ acount: "cn" }, "mtls"],
  ])("refuses %j", async (options, path) => {
    expect((await failure(() => createAccessController("mtls", options, ports))).fault).toMatchObject({
      code: "INVALID_OPTIONS",
      path,
    });
  });
});
