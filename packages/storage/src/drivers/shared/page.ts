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
