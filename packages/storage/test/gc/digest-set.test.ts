import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DigestSet } from "../../src/gc/digest-set.js";
import { parseDigest, type Digest } from "../../src/model/digest.js";

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc
    .array(fc.integer({ min: 0, max: 255 }), { minLength: bytes, maxLength: bytes })
    .map((all) => Buffer.from(all).toString("hex"));

/** Digests that share beginnings, too, so that they fall into the same places. */
const digests: fc.Arbitrary<Digest> = fc
  .oneof(
    hex(32).map((text) => `sha256:${text}`),
    fc.tuple(fc.constantFrom("0", "a"), hex(1)).map(([digit, end]) => `sha256:${digit.repeat(62)}${end}`),
    hex(64).map((text) => `sha512:${text}`),
  )
  .map(parseDigest);

describe("a compact set of digests", () => {
  it("has what a set of strings would have", () => {
    fc.assert(
      fc.property(fc.array(digests, { maxLength: 300 }), (all) => {
        const [compact, plain] = [new DigestSet(), new Set<Digest>()];
        for (const digest of [...all, ...all]) {
          expect(compact.add(digest)).toBe(!plain.has(digest));
          plain.add(digest);
          expect(compact.size).toBe(plain.size);
        }
      }),
      { numRuns: 50 },
    );
  });
});
