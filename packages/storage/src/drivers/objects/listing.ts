import type { ListPage } from "../../contract/driver.js";
import { isReachableName } from "../shared/path.js";

/** A piece of a directory's children in the services' order: by keys, in which a directory's name ends with `/`. */
export interface KeyPage {
  /** Names in the order of the keys; a directory's without its `/`. Names that no path can have are among them. */
  readonly names: readonly string[];
  /** Where the next piece starts; undefined at the end. */
  readonly next: string | undefined;
}

/** The calls that a list is made of. Each is one request. */
export interface ListCalls {
  /** At most `count` children whose key is greater than the directory's with `startAfter`, or behind the piece that gave `next`. */
  page(
    from: { readonly startAfter?: string | undefined; readonly next?: string | undefined },
    count: number,
  ): Promise<KeyPage>;
  /** Whether the child `name` is a directory; `name` undefined: whether the directory itself is there. */
  isDirectory(name: string | undefined): Promise<boolean>;
}

/** The maximum number of keys in one response. */
const MOST_KEYS = 1000;
/** Some more keys than requested cost nothing, and save requests for directories that follow shortly after. */
const SPARE_KEYS = 64;

/**
 * A page of a directory's children by the bytes of their names; undefined if the directory doesn't exist.
 *
 * Services have another order: "1.0/" comes after "1.0-alpine/" and "1.0.1/", because '-' and '.' are smaller than '/'. So among the names
 * that have not been seen when k was the last key, only one kind can be smaller than some that have been: a directory whose name
 * is a prefix of k that ends before a '-' or a '.'. Each of those (as many as the last name has such characters) is requested;
 * then everything seen is complete up to its greatest name.
 */
export async function listByName(
  calls: ListCalls,
  startAfter: string | undefined,
  limit: number | undefined,
): Promise<ListPage | undefined> {
  const wanted = limit === undefined ? Infinity : Math.max(0, limit) + 1;
  const found = new Set<string>();
  const isWanted = (name: string): boolean => isReachableName(name) && (startAfter === undefined || name > startAfter);
  let next: string | undefined;
  let last: string | undefined;
  do {
    const count = Math.min(MOST_KEYS, wanted - found.size + SPARE_KEYS);
    const page = await calls.page(next === undefined ? { startAfter } : { next }, count);
    for (const name of page.names) if (isWanted(name)) found.add(name);
    last = page.names.at(-1) ?? last;
    next = page.next;
  } while (next !== undefined && found.size < wanted);

  if (next !== undefined && last !== undefined)
    await addHidden(calls, found, beginnings(last).filter(isWanted), wanted);
  if (found.size === 0 && last === undefined && !(await isThere(calls, startAfter))) return undefined;
  const names = [...found].sort();
  if (limit === undefined) return { names, more: false };
  const shown = names.slice(0, Math.max(0, limit));
  return { names: shown, more: names.length > shown.length };
}

/** Without `startAfter` an empty response already tells. */
async function isThere(calls: ListCalls, startAfter: string | undefined): Promise<boolean> {
  return startAfter !== undefined && (await calls.isDirectory(undefined));
}

/** Every prefix of `name` that ends before a '-' or a '.', ascending. */
function beginnings(name: string): string[] {
  return [...name.matchAll(/[-.]/g)].map(({ index }) => name.slice(0, index)).filter((start) => start !== "");
}

/** Adds those of `candidates` (ascending) that are directories, as far as the page goes. */
async function addHidden(
  calls: ListCalls,
  found: Set<string>,
  candidates: readonly string[],
  wanted: number,
): Promise<void> {
  for (const candidate of candidates) {
    if (found.has(candidate)) continue;
    let smaller = 0;
    for (const name of found) if (name < candidate) smaller += 1;
    if (smaller >= wanted) return;
    if (await calls.isDirectory(candidate)) found.add(candidate);
  }
}
