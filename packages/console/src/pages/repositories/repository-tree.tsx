import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useEffect, useMemo } from "preact/hooks";
import type { Repository } from "../../api/repositories.js";
import { treeLines, type TreeLine } from "../../lib/tree.js";
import { FolderIcon, RightIcon } from "../../parts/icons.js";
import { Bytes, Time } from "../../parts/values.js";
import { VirtualRows } from "../../parts/virtual-rows.js";
import { choose, route } from "../../state/route.js";
import type { PagedList } from "../../state/paged-list.js";
import { isNarrow } from "../../state/width.js";
import { texts } from "../../text/index.js";
import { RepositoryCells, ROW_HEIGHT } from "./repository-table.js";

const { columns, repositories: words } = texts;
/** With so many repositories found, a search shows them all unfolded. */
const FEW = 200;

/** Repositories by the parts of their names. All of them are read, since a prefix says what is below it. */
export function RepositoryTree({
  list,
  total,
  search,
}: {
  readonly list: PagedList<Repository>;
  readonly total: number;
  readonly search: string;
}): JSX.Element {
  const items = list.items.value;
  const opened = useSignal<ReadonlySet<string>>(new Set(openOf(route.peek().query)));
  useEffect(() => list.ensure(total), [list, total]);
  const isUnfolded = search !== "" && total <= FEW;
  const lines = useMemo(
    () => treeLines(items, isUnfolded ? new Set(items.flatMap(({ name }) => prefixesOf(name))) : opened.value),
    [items, opened.value, isUnfolded],
  );
  const toggle = (path: string): void => {
    const next = new Set(opened.peek());
    if (!next.delete(path)) next.add(path);
    opened.value = next;
    choose({ open: [...next].join(" ") });
  };
  const onRange = useCallback(() => undefined, []);
  return (
    <>
      {items.length < total && <p class="quiet">{words.completing(items.length, total)}</p>}
      <div
        class="table repositories"
        role="table"
        aria-label={texts.pages.repositories}
        aria-rowcount={lines.length + 1}
      >
        <div role="rowgroup" class="head">
          <div role="row" class="head-row">
            <div role="columnheader">{columns.name}</div>
            <div role="columnheader" class="number">
              {columns.tags}
            </div>
            <div role="columnheader" class="number" title={words.sizeHint}>
              {columns.size}
            </div>
            <div role="columnheader" class="age">
              {columns.pushed}
            </div>
            <div role="columnheader" class="age spare">
              {columns.pulled}
            </div>
          </div>
        </div>
        <VirtualRows
          count={lines.length}
          rowHeight={isNarrow.value ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide}
          onRange={onRange}
          renderRow={(index) => {
            const line = lines[index];
            return line === undefined ? <div role="cell" /> : <Line line={line} toggle={toggle} />;
          }}
        />
      </div>
    </>
  );
}

function openOf({ open = "" }: Readonly<Record<string, string>>): readonly string[] {
  return open.split(" ").filter((path) => path !== "");
}

function prefixesOf(name: string): readonly string[] {
  const parts = name.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

function Line({
  line,
  toggle,
}: {
  readonly line: TreeLine<Repository>;
  readonly toggle: (path: string) => void;
}): JSX.Element {
  if (line.kind === "repository") {
    return (
      <>
        <Indent depth={line.depth} />
        <RepositoryCells item={line.item} label={line.label} />
      </>
    );
  }
  const { path, label, depth, isOpen, repositories, size, pushed } = line;
  return (
    <>
      <Indent depth={depth} />
      <div role="cell" class="name">
        <button
          data-main
          type="button"
          class="whole-row folder"
          aria-expanded={isOpen}
          aria-label={isOpen ? words.close(path) : words.open(path)}
          onClick={() => toggle(path)}
        >
          <RightIcon />
          <FolderIcon />
          <bdi>{label}</bdi>
        </button>
      </div>
      <div role="cell" class="number tags">
        <span class="quiet">{words.count(repositories)}</span>
      </div>
      <div role="cell" class="number">
        <Bytes value={size} />
      </div>
      <div role="cell" class="age">
        <Time value={pushed} />
      </div>
      <div role="cell" class="age spare" />
    </>
  );
}

/** Moves what follows it to the right. */
function Indent({ depth }: { readonly depth: number }): JSX.Element {
  return <span class="indent" aria-hidden="true" data-depth={Math.min(depth, 8)} />;
}
