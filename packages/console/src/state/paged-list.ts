import { signal, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useLayoutEffect } from "preact/hooks";
import type { Page } from "../api/page.js";
import type { ApiFailure } from "../api/failure.js";
import { failureOf } from "./resource.js";

/** The first page is short, so that it is there soon; the others are as long as the API allows. */
const FIRST = 100;
const NEXT = 1000;

/** Reads at most `n` items from where the page before ended. */
export type ReadPage<T> = (n: number, last: string | undefined, signal: AbortSignal) => Promise<Page<T>>;

/** A list that is read page by page, as far as it is looked at. */
export interface PagedList<T> {
  readonly items: ReadonlySignal<readonly T[]>;
  /** How many there are, read or not; undefined until the first page is there. */
  readonly total: ReadonlySignal<number | undefined>;
  readonly failure: ReadonlySignal<ApiFailure | undefined>;
  /** Reads on until there are `count` items, or all. */
  ensure(count: number): void;
  /** Reads on after a failure. */
  retry(): void;
  close(): void;
}

function createPagedList<T>(readPage: ReadPage<T>): PagedList<T> {
  const items = signal<readonly T[]>([]);
  const total = signal<number | undefined>(undefined);
  const failure = signal<ApiFailure | undefined>(undefined);
  const controller = new AbortController();
  let wanted = FIRST;
  let next: string | undefined;
  let isReading = false;

  const isComplete = (): boolean => total.peek() !== undefined && next === undefined;

  const readOn = async (): Promise<void> => {
    if (isReading || failure.peek() !== undefined) return;
    isReading = true;
    try {
      while (!isComplete() && items.peek().length < wanted) {
        const page = await readPage(total.peek() === undefined ? FIRST : NEXT, next, controller.signal);
        if (controller.signal.aborted) return;
        next = page.next;
        items.value = [...items.peek(), ...page.items];
        // What was pushed or deleted while the pages were read: the end is where the pages end.
        total.value = next === undefined ? items.peek().length : Math.max(page.total, items.peek().length);
      }
    } catch (error) {
      if (!controller.signal.aborted) failure.value = failureOf(error);
    } finally {
      isReading = false;
    }
  };

  void readOn();
  return {
    items,
    total,
    failure,
    ensure(count) {
      wanted = Math.max(wanted, count);
      void readOn();
    },
    retry() {
      failure.value = undefined;
      void readOn();
    },
    close: () => controller.abort(),
  };
}

/**
 * The list that `key` means. While another one's first page is read, the one before is still there (`isStale`), so that a page
 * doesn't flicker with each letter of a search.
 */
export function usePagedList<T>(
  key: string,
  readPage: ReadPage<T>,
): { readonly list: PagedList<T> | undefined; readonly isStale: boolean; readonly reload: () => void } {
  const shown = useSignal<{ readonly key: string; readonly list: PagedList<T> } | undefined>(undefined);
  const turn = useSignal(0);
  const wantedKey = `${turn.value} ${key}`;
  // Asked for before the browser paints, so that the answer comes meanwhile.
  useLayoutEffect(() => {
    const list = createPagedList(readPage);
    const show = (): void => {
      const before = shown.peek();
      if (before?.list === list) return;
      before?.list.close();
      shown.value = { key: wantedKey, list };
    };
    const stopTotal = list.total.subscribe((total) => total !== undefined && show());
    const stopFailure = list.failure.subscribe((failure) => failure !== undefined && show());
    return () => {
      stopTotal();
      stopFailure();
      if (shown.peek()?.list !== list) list.close();
    };
  }, [wantedKey]);
  useEffect(() => () => shown.peek()?.list.close(), []);
  return {
    list: shown.value?.list,
    isStale: shown.value?.key !== wantedKey,
    reload: () => (turn.value += 1),
  };
}
