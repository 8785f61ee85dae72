import type { JSX } from "preact";
import { choose } from "../state/route.js";
import { texts } from "../text/index.js";
import { DownIcon, UpIcon } from "./icons.js";

interface Sorted<T extends string> {
  readonly sort: T;
  readonly isDescending: boolean;
}

/** What one expects first: the largest and the newest, but names from A. */
export function startsDescending(sort: string): boolean {
  return sort !== "name";
}

function chooseSort(sort: string, isDescending: boolean): void {
  choose({ sort, order: isDescending ? "descending" : "ascending" });
}

/** The head of a column by which the list can be sorted; again, the other way round. */
export function SortableHead<T extends string>({
  sort,
  label,
  current,
  kind = "",
}: {
  readonly sort: T;
  readonly label: string;
  readonly current: Sorted<T>;
  readonly kind?: string;
}): JSX.Element {
  const isCurrent = current.sort === sort;
  const next = isCurrent ? !current.isDescending : startsDescending(sort);
  return (
    <div
      role="columnheader"
      class={kind}
      aria-sort={isCurrent ? (current.isDescending ? "descending" : "ascending") : undefined}
    >
      <button type="button" onClick={() => chooseSort(sort, next)}>
        {label}
        {isCurrent && (current.isDescending ? <DownIcon /> : <UpIcon />)}
      </button>
    </div>
  );
}

/** The same where there is no room for heads of columns. */
export function SortMenu<T extends string>({
  sorts,
  current,
  isAlways = false,
}: {
  readonly sorts: readonly { readonly value: T; readonly label: string }[];
  readonly current: Sorted<T>;
  /** Also beside heads of columns, since they don't name every order. */
  readonly isAlways?: boolean;
}): JSX.Element {
  return (
    <div class={isAlways ? "sort-menu always" : "sort-menu"}>
      <label>
        {texts.sortBy}{" "}
        <select
          value={current.sort}
          onChange={({ currentTarget: { value } }) => chooseSort(value, startsDescending(value))}
        >
          {sorts.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="icon-button"
        aria-label={`${texts.reverse}: ${current.isDescending ? texts.descending : texts.ascending}`}
        onClick={() => chooseSort(current.sort, !current.isDescending)}
      >
        {current.isDescending ? <DownIcon /> : <UpIcon />}
      </button>
    </div>
  );
}
