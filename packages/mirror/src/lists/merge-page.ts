import type { Page, PageRequest } from "@longshore/storage";

/**
 * The page of the union of a list of which `first` is the page, and of `others`, which are sorted and whole. Everything in them
 * is ASCII, where the order of code units is that of bytes.
 */
export function mergePage<T extends string>(
  first: Page<T>,
  others: readonly (readonly T[])[],
  { after, limit }: PageRequest,
): Page<T> {
  // A page of no items has no next page (distribution-spec §Listing Tags, `n=0`).
  if (limit === 0) return { items: [], more: false };
  const found = new Set(first.items);
  for (const list of others) {
    const from = after === undefined ? 0 : firstBehind(list, after);
    // One more than fits tells whether there are more.
    const until = limit === undefined ? list.length : from + limit + 1;
    for (const item of list.slice(from, until)) found.add(item);
  }
  const sorted = [...found].sort((a, b) => (a < b ? -1 : 1));
  // Behind the end of `first` may be items that it doesn't have yet.
  const end = first.more ? first.items.at(-1) : undefined;
  const known = end === undefined ? sorted : sorted.filter((item) => item <= end);
  const items = known.slice(0, limit);
  return { items, more: first.more || items.length < sorted.length };
}

/** The index of the first item of a sorted `list` that is greater than `after`. */
function firstBehind(list: readonly string[], after: string): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = list[middle];
    if (item !== undefined && item <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
