import { describe, expect, it } from "vitest";
import { runLength, seedOf } from "@longshore/testkit/run-length";
import { fuzz } from "./fuzz.js";

const OPERATIONS = runLength({ short: 2000, long: 20_000, variable: "FUZZ_OPERATIONS" });
const SEED = seedOf("FUZZ_SEED", 20_261_123);

/** Long enough for the whole length on a slow machine. */
const PATIENCE = 900_000;

/** Over object storage, where each costs more: still some dozens of collections. */
const S3_OPERATIONS = runLength({ short: 1200, long: 6000, variable: "FUZZ_S3_OPERATIONS" });

describe.each([
  { over: "filesystem", operations: OPERATIONS },
  { over: "s3", operations: S3_OPERATIONS },
] as const)("collecting while two registries are pushed to over $over", ({ over, operations }) => {
  it(
    "leaves every acknowledged manifest whole, and nothing that is unused",
    async () => {
      console.log(`fuzzing: seed ${SEED}, ${operations} operations over ${over}`);
      const outcome = await fuzz({ seed: SEED, operations, over });
      console.log(
        `fuzzed: ${outcome.operations} operations, ${outcome.pushes} manifests pushed, ${outcome.repeated} pushes repeated, ` +
          `${outcome.collections} collections (${outcome.refused} refused) removed ${outcome.removedBlobs} blobs and ${outcome.removedManifests} manifests`,
      );
      expect({ violations: outcome.violations, leftovers: outcome.leftovers }).toEqual({
        violations: [],
        leftovers: [],
      });
      expect(outcome.operations).toBeGreaterThanOrEqual(operations);
      expect(outcome.removedBlobs).toBeGreaterThan(0);
      expect(outcome.removedManifests).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});

/** Over object storage it takes minutes until a race is lost. */
const unguarded = [
  { over: "filesystem", operations: 8000 },
  { over: "s3", operations: 4000 },
] as const;

it.each(unguarded.slice(0, runLength({ short: 1, long: 2 })))(
  "collecting would lose blobs without the handshake over $over: the fuzzer sees it",
  async ({ over, operations }) => {
    const found: string[] = [];
    for (let seed = SEED; found.length === 0 && seed < SEED + 10; seed += 1) {
      const { violations, leftovers } = await fuzz({ seed, operations, handshake: false, over });
      found.push(...violations, ...leftovers);
    }
    expect(found.join("\n")).toMatch(/unknown blob|unknown manifest|held and gone/);
  },
  PATIENCE,
);
