import { batch, signal, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
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
  /** How many there are, read or not; undefined until that is known. */
  readonly total: ReadonlySignal<number | undefined>;
  /** How many rows to show: one more than have been read while the total isn't known; undefined until the first page is there. */
  readonly rows: ReadonlySignal<number | undefined>;
  readonly failure: ReadonlySignal<ApiFailure | undefined>;
  /** Settled once the first page is there, or can't be. */
  readonly first: Promise<void>;
  /** Reads on until there are `count` items, or all. */
  ensure(count: number): void;
  /** Reads on after a failure. */
  retry(): void;
  close(): void;
}

function createPagedList<T>(readPage: ReadPage<T>): PagedList<T> {
  const items = signal<readonly T[]>([]);
  const total = signal<number | undefined>(undefined);
  const rows = signal<number | undefined>(undefined);
  const failure = signal<ApiFailure | undefined>(undefined);
  const controller = new AbortController();
  let wanted = FIRST;
  let next: string | undefined;
  let isReading = false;
  let settleFirst = (): void => undefined;
  const first = new Promise<void>((resolve) => {
    settleFirst = resolve;
  });

  const isComplete = (): boolean => total.peek() !== undefined && next === undefined;

  const readOn = async (): Promise<void> => {
    if (isReading || failure.peek() !== undefined) return;
    isReading = true;
    try {
      while (!isComplete() && (total.peek() === undefined || items.peek().length < wanted)) {
        const page = await readPage(rows.peek() === undefined ? FIRST : NEXT, next, controller.signal);
        if (controller.signal.aborted) return;
        next = page.next;
        batch(() => {
          items.value = [...items.peek(), ...page.items];
          const read = items.peek().length;
          // What was pushed or deleted while the pages were read: the end is where the pages end.
          if (next === undefined) total.value = read;
          else if (page.total !== undefined) total.value = Math.max(page.total, read);
          rows.value = total.peek() ?? read + 1;
        });
        settleFirst();
      }
    } catch (error) {
      if (!controller.signal.aborted) failure.value = failureOf(error);
    } finally {
      isReading = false;
      settleFirst();
    }
  };

  void readOn();

  return {
    items,
    total,
    rows,
    failure,
    first,
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

/** A list that is read before there is a page to show it. */
export interface ListAhead<T> {
  /** Settled once the first page is there, or can't be. */
  begin(key: string, readPage: ReadPage<T>): Promise<void>;
  /** The list that was begun, once, if it is the one that `key` means and could be read so far. */
  take(key: string): PagedList<T> | undefined;
}

export function createListAhead<T>(): ListAhead<T> {
  let begun: { readonly key: string; readonly list: PagedList<T> } | undefined;
  return {
    begin(key, readPage) {
      begun = { key, list: createPagedList(readPage) };
      return begun.list.first;
    },
    take(key) {
      if (begun === undefined) return undefined;
      const { key: own, list } = begun;
      begun = undefined;
      if (own === key && list.failure.peek() === undefined) return list;
      list.close();
      return undefined;
    },
  };
}

/**
 * The list that `key` means; the first one may have been begun `ahead`. While another one's first page is read, the one before is still there (`isStale`), so that a page
 * doesn't flicker with each letter of a search.
 */
export function usePagedList<T>(
  key: string,
  readPage: ReadPage<T>,
  ahead?: ListAhead<T>,
): { readonly list: PagedList<T> | undefined; readonly isStale: boolean; readonly reload: () => void } {
  const turn = useSignal(0);
  const wantedKey = `${turn.value} ${key}`;
  const begun = useRef(ahead?.take(key));
  const shown = useSignal<{ readonly key: string; readonly list: PagedList<T> } | undefined>(
    begun.current?.rows.peek() === undefined ? undefined : { key: wantedKey, list: begun.current },
  );
  // Asked for before the browser paints, so that the answer comes meanwhile.
  useLayoutEffect(() => {
    const list = begun.current ?? createPagedList(readPage);
    begun.current = undefined;
    const show = (): void => {
      const before = shown.peek();
      if (before?.list === list) return;
      before?.list.close();
      shown.value = { key: wantedKey, list };
    };
    const stopRows = list.rows.subscribe((rows) => rows !== undefined && show());
    const stopFailure = list.failure.subscribe((failure) => failure !== undefined && show());
    return () => {
      stopRows();
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
