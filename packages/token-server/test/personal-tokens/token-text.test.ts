import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  digestOf,
  generateToken,
  idOf,
  isSameDigest,
  isTokenId,
  isWellFormed,
} from "../../src/personal-tokens/token-text.js";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

describe("the text of a personal access token", () => {
  test("is what the documentation tells scanners to look for", () => {
    for (let count = 0; count < 100; count += 1) expect(generateToken()).toMatch(/^lspat_[0-9A-Za-z]{36}$/);
  });

  test("has a checksum that catches every change of one character", () => {
    const places = fc.integer({ min: 6, max: 41 });
    fc.assert(
      fc.property(places, fc.constantFrom(...Array.from(BASE62)), (place, character) => {
        const token = generateToken();
        const changed = token.slice(0, place) + character + token.slice(place + 1);
        expect(isWellFormed(changed)).toBe(changed === token);
      }),
    );
  });

  test("is no other text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isWellFormed(text)).toBe(false);
      }),
    );
    const token = generateToken();
    for (const text of [`${token}\n`, ` ${token}`, token.slice(1), token.toUpperCase(), `${token}0`]) {
      expect(isWellFormed(text)).toBe(false);
    }
  });

  test("is named by a part of its digest", () => {
    const token = generateToken();
    expect(isTokenId(idOf(token))).toBe(true);
    expect(digestOf(token).startsWith(idOf(token))).toBe(true);
    expect(isTokenId("../../keys")).toBe(false);
  });

  test("is compared by digests", () => {
    const digest = digestOf(generateToken());
    expect(isSameDigest(digest, digest)).toBe(true);
    expect(isSameDigest(digest, digestOf("other"))).toBe(false);
    expect(isSameDigest(digest, "")).toBe(false);
  });
});
