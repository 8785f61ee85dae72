import type { Page, PageRequest } from "@longshore/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergePage } from "../../src/lists/merge-page.js";

/** What sorts differently by bytes than by path components, and in between. */
const NAME = fc.stringMatching(/^[a0q](?:[-./_]?[a0q]){0,4}$/);
const LIST = fc.uniqueArray(NAME, { maxLength: 30 }).map((names) => names.sort(byBytes));

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A page of a list, as a storage gives it. */
function pageOf(list: readonly string[], { after, limit }: PageRequest): Page<string> {
  const rest = list.filter((name) => after === undefined || byBytes(name, after) > 0);
  const items = rest.slice(0, limit);
  return { items, more: items.length < rest.length };
}

describe("a page of several lists", () => {
  it("is that of their union, wherever it begins and however long it is", () => {
    fc.assert(
      fc.property(
        LIST,
        fc.array(LIST, { maxLength: 3 }),
        fc.option(fc.oneof(NAME, fc.string()), { nil: undefined }),
        fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
        (own, others, after, limit) => {
          const union = [...new Set([...own, ...others.flat()])].sort(byBytes);
          const request = { after, limit };
          expect(mergePage(pageOf(own, request), others, request)).toEqual(pageOf(union, request));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("leads on to the next until each name was listed once, also where the storage gives short pages", () => {
    const sizes = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(LIST, fc.array(LIST, { maxLength: 3 }), sizes, sizes, (own, others, limit, short) => {
        const union = [...new Set([...own, ...others.flat()])].sort(byBytes);
        const seen: string[] = [];
        let more = true;
        for (let pages = 0; more && pages <= union.length; pages += 1) {
          const after = seen.at(-1);
          const first = pageOf(own, { after, limit: Math.min(limit, short) });
          const page = mergePage(first, others, { after, limit });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          seen.push(...page.items);
          more = page.more;
        }
        expect([seen, more]).toEqual([union, false]);
      }),
      { numRuns: 300 },
    );
  });

  it("of no items has no next one", () => {
    expect(mergePage({ items: [], more: false }, [["a"]], { limit: 0 })).toEqual({ items: [], more: false });
  });
});
