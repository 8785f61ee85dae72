import type { InventoryPage, InventoryQuery } from "../contract.js";
import { CursorError } from "../errors.js";

/** The items on a page when a request names no limit. */
export const DEFAULT_LIMIT = 50;

/** What an item is sorted by: texts by bytes, or numbers. */
export type SortKey = string | number;

/** An item's place in a list. */
interface Place {
  readonly key: SortKey;
  readonly name: string;
}

/** An item with its place in a list. */
export interface Placed<T> extends Place {
  readonly item: T;
}

/** What a list is made of. */
interface ListSource<T> {
  /** Names are unique, and ascending by bytes. */
  readonly items: readonly T[];
  readonly nameOf: (item: T) => string;
  /** By what the list is sorted: of the same type for each item. Undefined: by the name. */
  readonly keyOf: ((item: T) => SortKey) | undefined;
}

/** The items in their order: ascending by key, and by name where keys are the same. */
export function placesOf<T>({ items, nameOf, keyOf }: ListSource<T>): readonly Placed<T>[] {
  const places = items.map((item) => ({ item, key: keyOf?.(item) ?? "", name: nameOf(item) }));
  // Sorting is stable: names stay in their order.
  return keyOf === undefined ? places : places.sort((a, b) => compare(a.key, b.key));
}

/** The page of a list that `query` asks for, whose places are those of the query's order. Throws CursorError. */
export function pageOf<T>(places: readonly Placed<T>[], query: InventoryQuery<string>): InventoryPage<T> {
  const { limit = DEFAULT_LIMIT, descending = false, after } = query;
  const search = query.search?.toLowerCase() ?? "";
  const found = search === "" ? places : places.filter(({ name }) => name.toLowerCase().includes(search));
  const placed = descending ? found.toReversed() : found;
  const form = [query.sort ?? "name", descending ? "descending" : "ascending"].join(" ");
  const cursor = after === undefined ? undefined : openCursor(after, form);
  const isAfter = (place: Place, mark: Place): boolean => (descending ? -1 : 1) * comparePlaces(place, mark) > 0;
  const first = cursor === undefined ? 0 : placed.findIndex((place) => isAfter(place, cursor));
  const page = first < 0 ? [] : placed.slice(first, first + limit);
  const last = page.at(-1);
  const isEnd = last === undefined || last === placed.at(-1);
  return {
    items: page.map(({ item }) => item),
    next: isEnd ? undefined : sealCursor(last, form),
    total: placed.length,
  };
}

function comparePlaces(a: Place, b: Place): number {
  return compare(a.key, b.key) || compare(a.name, b.name);
}

function compare(a: SortKey, b: SortKey): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sealCursor({ key, name }: Place, form: string): string {
  return Buffer.from(JSON.stringify([form, key, name])).toString("base64url");
}

function openCursor(text: string, form: string): Place {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    throw new CursorError();
  }
  if (!Array.isArray(value)) throw new CursorError();
  const [sealed, key, name] = value as readonly unknown[];
  if (sealed !== form || typeof name !== "string") throw new CursorError();
  if (typeof key !== "string" && typeof key !== "number") throw new CursorError();
  return { key, name };
}
