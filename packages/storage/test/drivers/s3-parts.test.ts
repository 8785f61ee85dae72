import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  LARGEST_OBJECT,
  LARGEST_PART,
  LARGEST_WRITE,
  LEAST_PART,
  MOST_PARTS,
  planCopy,
  type CopyPart,
} from "../../src/drivers/objects/parts.js";

const TIB = 1024 ** 4;
const CHUNK = 32 * 1024 * 1024;

/** What is wrong with a plan. A list, since ten thousand separate expectations would be slow. */
function faultsOf(plan: readonly CopyPart[], sources: readonly number[]): string[] {
  const faults: string[] = [];
  const copied = sources.map(() => 0);
  let at = 0;
  for (const [index, { source, first, last }] of plan.entries()) {
    const size = last - first + 1;
    if (source < at) faults.push(`part ${index} is out of order`);
    if (first !== copied[source]) faults.push(`part ${index} leaves something out`);
    if (size > LARGEST_PART) faults.push(`part ${index} is too large`);
    if (index < plan.length - 1 && size < LEAST_PART) faults.push(`part ${index} is too small`);
    at = source;
    copied[source] = last + 1;
  }
  for (const [index, size] of sources.entries()) if (copied[index] !== size) faults.push(`source ${index} isn't whole`);
  return faults;
}

describe("the parts of a copy", () => {
  it("cover all bytes in order, each within S3's limits, never too many", () => {
    const chunk = fc.integer({ min: LEAST_PART, max: LARGEST_PART });
    const size = fc.oneof(
      fc.integer({ min: LEAST_PART, max: 3 * LEAST_PART }),
      fc.integer({ min: LEAST_PART, max: TIB }),
    );
    const last = fc.oneof(
      fc.integer({ min: 0, max: LEAST_PART }),
      fc.maxSafeNat().map((n) => n % (10 * TIB)),
    );
    fc.assert(
      fc.property(fc.array(size, { maxLength: 40 }), last, chunk, (front, end, chunkSize) => {
        const sources = [...front, end];
        const total = sources.reduce((sum, one) => sum + one);
        const plan = planCopy(sources, chunkSize);
        if (plan === undefined) {
          // Rounding can take a part for each source.
          expect(total).toBeGreaterThan(LARGEST_OBJECT - sources.length * LARGEST_PART);
          return;
        }
        expect(plan.length).toBeLessThanOrEqual(MOST_PARTS);
        expect(faultsOf(plan, sources)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("grow with the total: 10 TiB fit, and S3's maximum", () => {
    expect(planCopy([10 * TIB], CHUNK)?.length).toBeGreaterThan(9000);
    expect(planCopy([10 * TIB], CHUNK)?.length).toBeLessThanOrEqual(MOST_PARTS);
    // In files as large as a writer creates them.
    const segments = Array.from({ length: Math.floor((40 * TIB) / LARGEST_WRITE) }, () => LARGEST_WRITE);
    expect(planCopy([...segments, 1], CHUNK)?.length).toBeLessThanOrEqual(MOST_PARTS);
    expect(planCopy([LARGEST_OBJECT - LARGEST_PART], CHUNK)).toHaveLength(MOST_PARTS - 1);
    expect(planCopy([LARGEST_OBJECT + 1], CHUNK)).toBeUndefined();
  });

  it("are as large as requested if that is enough", () => {
    expect(planCopy([CHUNK * 4], CHUNK)?.map(({ first, last }) => last - first + 1)).toEqual(Array(4).fill(CHUNK));
    expect(planCopy([], CHUNK)).toEqual([]);
    expect(planCopy([0, 0], CHUNK)).toEqual([]);
    expect(planCopy([LEAST_PART, 0, 1], CHUNK)).toHaveLength(2);
  });

  it("can't be planned for what S3 wouldn't accept", () => {
    expect(planCopy([LEAST_PART - 1, LEAST_PART], CHUNK)).toBeUndefined();
    expect(planCopy(Array<number>(MOST_PARTS).fill(LEAST_PART), CHUNK)).toHaveLength(MOST_PARTS);
    expect(planCopy(Array<number>(MOST_PARTS + 1).fill(LEAST_PART), CHUNK)).toBeUndefined();
  });
});
