import { describe, expect, it } from "vitest";
import { ask, BASE_OPTIONS, jwkSet, PULL, refusalOf, tokenController } from "./harness.js";
import { goodClaims, makeKeys, makeToken, NOW } from "./issuer.js";

const keys = makeKeys("EdDSA");
const SECONDS = NOW / 1000;

describe("the log of a refused token says what was found and what was expected", () => {
  const { issuer, service } = BASE_OPTIONS;

  it.each<[string, Record<string, unknown>, string, Record<string, string>]>([
    ["an issuer", { iss: "https://other.test" }, "ed", { issuer: "https://other.test", "issuer.expected": issuer }],
    ["audiences", { aud: ["one", "two"] }, "ed", { audience: "one, two", "audience.expected": service }],
    ["a key id", {}, "rotated", { keyid: "rotated", "keyid.expected": "ed" }],
    [
      "its end",
      { exp: SECONDS - 3600 },
      "ed",
      { expires: "2026-01-15T11:00:00.000Z", now: "2026-01-15T12:00:00.000Z" },
    ],
    ["its beginning", { nbf: SECONDS + 3600 }, "ed", { notbefore: "2026-01-15T13:00:00.000Z" }],
    ["a time that no calendar has", { nbf: Number.MAX_SAFE_INTEGER }, "ed", { now: "2026-01-15T12:00:00.000Z" }],
  ])("%s", async (_, claims, kid, expected) => {
    await using test = await tokenController({ jwks: jwkSet({ ed: keys.publicKey }) });
    const token = makeToken({ alg: "EdDSA", kid }, goodClaims(claims), "EdDSA", keys.privateKey);
    const { details, challenge } = await refusalOf(() => ask(test.controller, token, PULL));
    const fields = Object.fromEntries(Object.entries(expected).map(([name, value]) => [`token.${name}`, value]));
    expect(details).toMatchObject(fields);
    expect(JSON.stringify(details)).not.toContain(token);
    for (const value of Object.values(expected)) if (value !== service) expect(challenge).not.toContain(value);
  });

  it("truncated, whatever the token's issuer wrote", async () => {
    await using test = await tokenController({ jwks: jwkSet({ ed: keys.publicKey }) });
    const aud = Array.from({ length: 60 }, (_, index) => `${index}${"x".repeat(500)}`);
    for (const [header, claims] of [
      [{ kid: "ed" }, { aud }],
      [{ kid: "k".repeat(10_000) }, {}],
      [{ kid: "ed" }, { iss: "i".repeat(10_000) }],
      [{ alg: "X".repeat(10_000), kid: "ed" }, {}],
    ] as const) {
      const token = makeToken({ alg: "EdDSA", ...header }, goodClaims(claims), "EdDSA", keys.privateKey);
      const { details = {} } = await refusalOf(() => ask(test.controller, token, PULL));
      expect(Object.keys(details)).not.toHaveLength(0);
      for (const value of Object.values(details)) expect(value.length).toBeLessThan(1200);
    }
  });
});
