import type { UpstreamPage } from "./contract.js";
import { UpstreamError } from "./errors.js";

/** Pages of one list, and pages in a row that bring nothing new: an upstream may leave some empty, and none is waited for without end. */
const MAX_PAGES = 10_000;
const MAX_EMPTY = 16;

/** What a list that is read to its end needs. */
export interface AllPages<T> {
  /** Names the upstream in errors. */
  readonly host: string;
  /** What is listed, in errors: `tags`. */
  readonly what: string;
  /** The page at `cursor`; the first one without. */
  readonly page: (cursor: string | undefined) => Promise<UpstreamPage<T>>;
  /** Items above which `tooMany` is thrown. */
  readonly most: number;
  readonly tooMany: () => Error;
}

/** All items of an upstream's list, each once. Throws UpstreamError (INVALID_ANSWER) where it never ends. */
export async function readAllPages<T>({ host, what, page, most, tooMany }: AllPages<T>): Promise<ReadonlySet<T>> {
  const all = new Set<T>();
  let cursor: string | undefined;
  let empty = 0;
  for (let pages = 0; pages < MAX_PAGES && empty < MAX_EMPTY; pages += 1) {
    const before = all.size;
    const { items, next } = await page(cursor);
    for (const item of items) all.add(item);
    if (all.size > most) throw tooMany();
    if (next === undefined) return all;
    cursor = next;
    empty = all.size === before ? empty + 1 : 0;
  }
  throw new UpstreamError(host, { code: "INVALID_ANSWER", reason: `its list of ${what} never ends` });
}
