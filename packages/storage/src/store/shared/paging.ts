import type { CallOptions, ListPage, StorageDriver } from "../../contract/driver.js";
import type { Page } from "../../contract/tag-store.js";
import { orUndefined } from "./links.js";

/** How many names are requested from a driver at a time if the caller wants all. */
const BATCH = 1000;

/** The names of {@link listPages}. */
export async function* listBatches(
  driver: StorageDriver,
  path: string,
  startAfter: string | undefined,
  size: number = BATCH,
  options?: CallOptions,
): AsyncGenerator<readonly string[], void, undefined> {
  for await (const { names } of listPages(driver, path, startAfter, size, options)) yield names;
}

/**
 * The children of the directory `path` after `startAfter`, in order, in pages of about `size`; none if there is no such
 * directory.
 */
export async function* listPages(
  driver: StorageDriver,
  path: string,
  startAfter: string | undefined,
  size: number,
  options?: CallOptions,
): AsyncGenerator<ListPage, void, undefined> {
  let cursor = startAfter;
  for (;;) {
    const startAfter = cursor;
    // The signal is asked for only if the driver waits: making one costs more than a page that is remembered.
    const call = {
      startAfter,
      limit: size,
      get signal() {
        return options?.signal;
      },
    };
    const page = await orUndefined(driver.list(path, call));
    if (page === undefined) return;
    yield page;
    cursor = page.names.at(-1);
    if (!page.more || cursor === undefined) return;
  }
}

/** A page of at most `limit` items from `batches`; reads one more item to know whether there are more. */
export async function takePage<T>(batches: AsyncIterable<readonly T[]>, limit: number | undefined): Promise<Page<T>> {
  const items: T[] = [];
  // A page of no items has no next page (distribution-spec §Listing Tags, `n=0`).
  if (limit === 0) return { items, more: false };
  for await (const batch of batches) {
    items.push(...batch);
    if (limit !== undefined && items.length > limit) return { items: items.slice(0, limit), more: true };
  }
  return { items, more: false };
}

/** How many names to request at a time to fill a page of `limit` and to see whether there are more. */
export function batchSize(limit: number | undefined): number {
  return limit === undefined ? BATCH : Math.min(limit + 1, BATCH);
}
