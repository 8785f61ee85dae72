import { describe, expect, it } from "vitest";
import { fuzz } from "./fuzz.js";

/** The whole length is for the pipeline: `FUZZ_OPERATIONS=50000`. A seed that found something is given in `FUZZ_SEED`. */
const OPERATIONS = Number(process.env["FUZZ_OPERATIONS"] ?? 5000);
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_123);

/** Long enough for the whole length on a slow machine. */
const PATIENCE = 900_000;

describe("collecting while two registries are pushed to", () => {
  it(
    "leaves every acknowledged manifest whole, and nothing that is unused",
    async () => {
      console.log(`fuzzing: seed ${SEED}, ${OPERATIONS} operations`);
      const outcome = await fuzz({ seed: SEED, operations: OPERATIONS });
      console.log(
        `fuzzed: ${outcome.operations} operations, ${outcome.pushes} manifests pushed, ${outcome.repeated} pushes repeated, ` +
          `${outcome.collections} collections removed ${outcome.removedBlobs} blobs and ${outcome.removedManifests} manifests`,
      );
      expect({ violations: outcome.violations, leftovers: outcome.leftovers }).toEqual({
        violations: [],
        leftovers: [],
      });
      expect(outcome.operations).toBeGreaterThanOrEqual(OPERATIONS);
      expect(outcome.removedBlobs).toBeGreaterThan(0);
      expect(outcome.removedManifests).toBeGreaterThan(0);
    },
    PATIENCE,
  );

  it(
    "would lose blobs without the handshake: the fuzzer sees it",
    async () => {
      const found: string[] = [];
      for (let seed = SEED; found.length === 0 && seed < SEED + 10; seed += 1) {
        const { violations, leftovers } = await fuzz({ seed, operations: 8000, handshake: false });
        found.push(...violations, ...leftovers);
      }
      expect(found.join("\n")).toMatch(/unknown blob|unknown manifest|held and gone/);
    },
    PATIENCE,
  );
});
