import type { ListOptions, ListPage } from "../../contract/driver.js";

/** The page of `names` (ascending, of ASCII characters alone, so that string order is byte order) that `options` ask for. */
export function pageOf(names: readonly string[], options: ListOptions | undefined): ListPage {
  const first = options?.startAfter === undefined ? 0 : firstAfter(names, options.startAfter);
  const end = options?.limit === undefined ? names.length : Math.min(names.length, first + Math.max(0, options.limit));
  return { names: names.slice(first, end), more: end < names.length };
}

/** The index of the first name greater than `mark`: a binary search. */
function firstAfter(names: readonly string[], mark: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const name = names[middle];
    if (name !== undefined && name <= mark) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The names of a directory, ascending. */
export interface Listing {
  readonly count: number;
  /** The same object for the same question, as long as the page is among those that were asked for last. */
  page(options: ListOptions | undefined): ListPage;
}

/** How many pages of a directory are kept: those of two clients that list it all, or a few that ask for its beginning. */
const KEPT_PAGES = 4;

export function createListing(names: readonly string[]): Listing {
  const kept: (Pick<ListOptions, "startAfter" | "limit"> & { readonly page: ListPage })[] = [];
  return {
    count: names.length,
    page({ startAfter, limit } = {}) {
      const known = kept.find((each) => each.startAfter === startAfter && each.limit === limit);
      if (known !== undefined) return known.page;
      const page = pageOf(names, { startAfter, limit });
      kept.push({ startAfter, limit, page });
      if (kept.length > KEPT_PAGES) kept.shift();
      return page;
    },
  };
}
