import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Rows that are rendered before and behind those in sight. */
const SPARE = 12;
/** What is above a table at least, when its page is opened (px). */
const ABOVE = 200;
/** How long those behind wait when a list is opened (ms): what is in sight is drawn first. */
const SPARE_DELAY = 100;

interface Properties {
  readonly count: number;
  /** Pixels; all rows have the same. */
  readonly rowHeight: number;
  readonly renderRow: (index: number) => JSX.Element;
  /** Told which rows are about to be seen. */
  readonly onRange: (end: number) => void;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The rows of a long table in a page that scrolls as a whole: only those near what is in sight are in the document. Arrows, Home, End
 * and the page keys move from row to row, to the first link or button of each.
 */
export function VirtualRows({ count, rowHeight, renderRow, onRange }: Properties): JSX.Element {
  const container = useRef<HTMLDivElement>(null);
  // At first what may be in sight and no more: it is there sooner.
  const range = useSignal<Range>({ start: 0, end: Math.min(count, Math.ceil((innerHeight - ABOVE) / rowHeight)) });
  const wantedFocus = useRef<number | undefined>(undefined);

  useEffect(() => {
    const near = (spare: number): Range => {
      const top = container.current?.getBoundingClientRect().top ?? 0;
      const first = Math.floor(-top / rowHeight) - spare;
      const last = Math.ceil((innerHeight - top) / rowHeight) + spare;
      const start = Math.min(Math.max(0, first), count);
      return { start, end: Math.max(start, Math.min(count, last)) };
    };
    const measure = (): void => {
      const { start, end } = near(SPARE);
      const before = range.peek();
      if (before.start !== start || before.end !== end) range.value = { start, end };
      onRange(end);
    };
    const inSight = near(0);
    const { start, end } = range.peek();
    const isDrawn = start <= inSight.start && end >= inSight.end;
    const timer = isDrawn ? setTimeout(measure, SPARE_DELAY) : undefined;
    if (!isDrawn) measure();
    else onRange(inSight.end);
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      clearTimeout(timer);
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [count, rowHeight, onRange]);

  useLayoutEffect(() => {
    if (wantedFocus.current === undefined) return;
    const target = targetOf(container.current, wantedFocus.current);
    if (target === undefined) return;
    wantedFocus.current = undefined;
    target.focus({ preventScroll: true });
  });

  const focusRow = (index: number): void => {
    const wanted = Math.max(0, Math.min(count - 1, index));
    const top = (container.current?.getBoundingClientRect().top ?? 0) + wanted * rowHeight;
    // Below the page's header and the table's.
    const margin = 3 * rowHeight;
    if (top < margin) scrollBy(0, top - margin);
    else if (top + rowHeight > innerHeight) scrollBy(0, top + 2 * rowHeight - innerHeight);
    const target = targetOf(container.current, wanted);
    if (target === undefined) wantedFocus.current = wanted;
    else target.focus({ preventScroll: true });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const row = event.target instanceof Element ? event.target.closest("[data-index]") : null;
    if (row === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = stepOf(event.key, count, Math.max(1, Math.floor(innerHeight / rowHeight) - 4));
    if (step === undefined) return;
    event.preventDefault();
    focusRow(Number(row.getAttribute("data-index")) + step);
  };

  const { start, end } = range.value;
  const rows: JSX.Element[] = [];
  for (let index = Math.min(start, count); index < Math.min(end, count); index += 1) {
    rows.push(
      <div
        key={index}
        role="row"
        class="row"
        data-index={index}
        aria-rowindex={index + 2}
        style={{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
      >
        {renderRow(index)}
      </div>,
    );
  }
  return (
    <div
      ref={container}
      role="rowgroup"
      class="rows"
      style={{ height: `${count * rowHeight}px` }}
      onKeyDown={onKeyDown}
    >
      {rows}
    </div>
  );
}

/** How many rows a key moves; undefined if it isn't one that moves. */
function stepOf(key: string, count: number, page: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -count,
    End: count,
  };
  return steps[key];
}

function targetOf(container: HTMLElement | null, index: number): HTMLElement | undefined {
  const row = container?.querySelector(`[data-index="${index}"]`);
  const target = row?.querySelector("[data-main]") ?? undefined;
  return target instanceof HTMLElement ? target : undefined;
}
