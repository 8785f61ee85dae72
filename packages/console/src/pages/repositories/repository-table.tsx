import type { JSX } from "preact";
import { useCallback } from "preact/hooks";
import { REPOSITORY_ORDERS, type Repository, type RepositoryQuery } from "../../api/repositories.js";
import { formatRoute } from "../../lib/route.js";
import { SortableHead, SortMenu } from "../../parts/sorting.js";
import { Bytes, Time } from "../../parts/values.js";
import { VirtualRows } from "../../parts/virtual-rows.js";
import { formatCount } from "../../lib/bytes.js";
import type { PagedList } from "../../state/paged-list.js";
import { isNarrow } from "../../state/width.js";
import { texts } from "../../text/index.js";

const { columns } = texts;

/** Pixels. */
export const ROW_HEIGHT = { wide: 48, narrow: 68 } as const;

/** Repositories, one in a row. */
export function RepositoryTable({
  list,
  rows,
  query,
}: {
  readonly list: PagedList<Repository>;
  readonly rows: number;
  readonly query: RepositoryQuery;
}): JSX.Element {
  const items = list.items.value;
  const total = list.total.value;
  const onRange = useCallback((end: number) => list.ensure(end), [list]);
  return (
    <>
      <SortMenu sorts={REPOSITORY_ORDERS.map((value) => ({ value, label: columns[value] }))} current={query} />
      <div
        class="table repositories"
        role="table"
        aria-label={texts.pages.repositories}
        aria-rowcount={total === undefined ? -1 : total + 1}
      >
        <div role="rowgroup" class="head">
          <div role="row" class="head-row">
            <SortableHead sort="name" label={columns.name} current={query} />
            <SortableHead sort="tags" label={columns.tags} current={query} kind="number" />
            <SortableHead sort="size" label={columns.size} current={query} kind="number" />
            <SortableHead sort="pushed" label={columns.pushed} current={query} kind="age" />
            <SortableHead sort="pulled" label={columns.pulled} current={query} kind="age spare" />
          </div>
        </div>
        <VirtualRows
          count={rows}
          rowHeight={isNarrow.value ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide}
          onRange={onRange}
          renderRow={(index) => {
            const item = items[index];
            return item === undefined ? <SkeletonCells /> : <RepositoryCells item={item} label={item.name} />;
          }}
        />
      </div>
    </>
  );
}

function SkeletonCells(): JSX.Element {
  return (
    <div role="cell" class="name">
      <span class="skeleton" />
    </div>
  );
}

/** The cells of a repository; `label` is the part of its name that is shown. */
export function RepositoryCells({ item, label }: { readonly item: Repository; readonly label: string }): JSX.Element {
  const { name, tags, size, pushed, pulled } = item;
  return (
    <>
      <div role="cell" class="name">
        <a data-main class="whole-row" href={formatRoute({ kind: "repository", name })} title={name}>
          <RepositoryName label={label} />
        </a>
      </div>
      <div role="cell" class="number tags">
        {formatCount(tags)} <span class="unit">{tags === 1 ? texts.tag : texts.tags}</span>
      </div>
      <div role="cell" class="number">
        <Bytes value={size} />
      </div>
      <div role="cell" class="age">
        <Time value={pushed} />
      </div>
      <div role="cell" class="age spare">
        <Time value={pulled} absent={texts.never} />
      </div>
    </>
  );
}

/** The prefix of a name is quieter than its last part. */
function RepositoryName({ label }: { readonly label: string }): JSX.Element {
  const at = label.lastIndexOf("/") + 1;
  return (
    <bdi>
      {at > 0 && <span class="prefix">{label.slice(0, at)}</span>}
      {label.slice(at)}
    </bdi>
  );
}
