import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listByName, type ListCalls } from "../../src/drivers/objects/listing.js";

/** S3's listing over `keys`, which are relative to the directory, and the number of calls. */
function listingOf(keys: readonly string[], pageKeys = 1000) {
  const sorted = [...new Set(keys)].sort();
  const counts = { pages: 0, questions: 0 };
  const entries = [...new Set(sorted.map((key) => (key.includes("/") ? key.slice(0, key.indexOf("/") + 1) : key)))];
  const lastBelow = new Map(sorted.map((key) => [key.slice(0, key.indexOf("/") + 1), key]));
  const calls: ListCalls = {
    page: ({ startAfter, next }, count) => {
      counts.pages += 1;
      const after = next ?? startAfter;
      // A continuation resumes after all keys of a directory; `startAfter` may lie before some of them.
      const isBehind = (entry: string): boolean => {
        if (after === undefined || entry > after) return true;
        return (
          next === undefined && entry.endsWith("/") && after.startsWith(entry) && (lastBelow.get(entry) ?? "") > after
        );
      };
      const rest = entries.filter(isBehind);
      const page = rest.slice(0, Math.min(count, pageKeys));
      const last = page.at(-1);
      return Promise.resolve({
        names: page.map((entry) => entry.replace(/\/$/, "")),
        next: rest.length > page.length ? last : undefined,
      });
    },
    isDirectory: (name) => {
      counts.questions += 1;
      return Promise.resolve(name === undefined ? sorted.length > 0 : lastBelow.has(`${name}/`));
    },
  };
  return { calls, counts };
}

const byBytes = (names: Iterable<string>): string[] =>
  [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));

describe("a list of names", () => {
  // Many names that are prefixes of others, which is where the orders differ.
  const more = fc.tuple(fc.constantFrom("-", ".", "1", "_"), fc.constantFrom("", "a", "1", "-"));
  const name = fc
    .tuple(fc.constantFrom("a", "b", "a1", ".", "-"), fc.array(more, { maxLength: 3 }))
    .map(([first, rest]) => first + rest.flat().join(""));
  const key = fc.oneof(
    name,
    fc.tuple(name, name).map((parts) => parts.join("/")),
    fc.constantFrom("a+/x", "/x", "", "ä"),
  );

  it("is complete, without duplicates and in the order of names, whatever the storage's order and pages", async () => {
    const limit = fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.array(key, { maxLength: 60 }),
        fc.option(name, { nil: undefined }),
        limit,
        fc.integer({ min: 1, max: 7 }),
        async (keys, startAfter, wanted, pageKeys) => {
          const children = new Set(keys.map((one) => one.split("/")[0] ?? ""));
          const valid = [...children].filter((one) => /^[A-Za-z0-9._-]+$/.test(one) && one !== "." && one !== "..");
          const expected = byBytes(valid).filter((one) => startAfter === undefined || one > startAfter);
          const page = await listByName(listingOf(keys, pageKeys).calls, startAfter, wanted);
          if (keys.length === 0) expect(page).toBeUndefined();
          else {
            const shown = expected.slice(0, wanted);
            expect(page).toEqual({ names: shown, more: expected.length > shown.length });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("finds what the storage lists much later: every page of a directory full of such names", async () => {
    const keys = ["1", "1.0", "1.0-a"].flatMap((base) => [
      `${base}/x`,
      ...["-a", "-b", "-c", ".1", ".2", ".3", "1", "_"].map((end) => base + end),
    ]);
    const names = byBytes(new Set(keys.map((one) => one.replace("/x", ""))));
    for (const startAfter of [undefined, "0", ...names, "1.0-", "2"]) {
      const expected = names.filter((one) => startAfter === undefined || one > startAfter);
      for (const limit of [...names.keys(), names.length]) {
        for (const pageKeys of [1, 2, 5]) {
          const page = await listByName(listingOf(keys, pageKeys).calls, startAfter, limit);
          expect(page).toEqual({ names: expected.slice(0, limit), more: expected.length > limit });
        }
      }
    }
  });

  it("costs a call or two per page, even among names that hide others", async () => {
    const tags = Array.from({ length: 2000 }, (_, index) => [
      `v1.${index}/x`,
      `v1.${index}-alpine/x`,
      `v1.${index}-rc.1/x`,
    ]).flat();
    for (const keys of [tags, tags.map((tag) => tag.replace("/x", ""))]) {
      const { calls, counts } = listingOf(keys);
      let seen = 0;
      let startAfter: string | undefined;
      for (let more = true; more;) {
        const page = await listByName(calls, startAfter, 100);
        seen += page?.names.length ?? 0;
        startAfter = page?.names.at(-1);
        more = page?.more === true;
      }
      expect(seen).toBe(keys.length);
      expect(counts.pages).toBeLessThanOrEqual(keys.length / 100 + 1);
      expect(counts.questions).toBeLessThanOrEqual(3 * (keys.length / 100 + 1));
    }
  });
});
