import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback } from "preact/hooks";
import { TAG_ORDERS, type Tag, type TagQuery } from "../../api/tags.js";
import { cosignTag, formatPlatforms, kindOf, shortDigest } from "../../lib/artifact.js";
import { formatRoute } from "../../lib/route.js";
import { CopyButton } from "../../parts/copy.js";
import { LockIcon, SealIcon, TerminalIcon } from "../../parts/icons.js";
import { SortableHead, SortMenu } from "../../parts/sorting.js";
import { Bytes, Time } from "../../parts/values.js";
import { VirtualRows } from "../../parts/virtual-rows.js";
import { commandFor } from "../../state/client.js";
import type { createMarks } from "../../state/marks.js";
import type { PagedList } from "../../state/paged-list.js";
import { isNarrow } from "../../state/width.js";
import { texts } from "../../text/index.js";
import { selecting, type Selection } from "./selection.js";

const { columns, repository: words } = texts;
/** Pixels. */
const ROW_HEIGHT = { wide: 52, narrow: 84 } as const;

interface Properties {
  readonly name: string;
  readonly list: PagedList<Tag>;
  readonly total: number;
  readonly query: TagQuery;
  readonly selection: Signal<Selection>;
  readonly marks: ReturnType<typeof createMarks>;
}

/** The tags of a repository, one in a row. */
export function TagTable({ name, list, total, query, selection, marks }: Properties): JSX.Element {
  const items = list.items.value;
  const onRange = useCallback((end: number) => list.ensure(end), [list]);
  const chosen = selection.value;
  const isAllChosen = items.length >= total && items.every(({ tag }) => chosen.has(tag));
  const chooseAll = (isChosen: boolean): void => {
    list.ensure(total);
    const add = (): void => {
      selection.value = selecting(selection.peek(), list.items.peek(), isChosen);
    };
    if (list.items.peek().length >= total) add();
    else {
      const stop = list.items.subscribe((read) => {
        if (read.length < total) return;
        add();
        queueMicrotask(() => stop());
      });
    }
  };
  return (
    <>
      <div class="list-tools">
        <label class="check">
          <input
            type="checkbox"
            checked={isAllChosen}
            onChange={({ currentTarget }) => chooseAll(currentTarget.checked)}
          />
          {words.selectAll(total)}
        </label>
        <SortMenu sorts={TAG_ORDERS.map((value) => ({ value, label: words.orders[value] }))} current={query} isAlways />
      </div>
      <div class="table tags" role="table" aria-label={words.tags} aria-rowcount={total + 1}>
        <div role="rowgroup" class="head">
          <div role="row" class="head-row">
            <div role="columnheader">
              <span class="for-ears">{words.select}</span>
            </div>
            <SortableHead sort="name" label={words.tag} current={query} />
            <div role="columnheader" class="platforms">
              {words.platforms}
            </div>
            <SortableHead sort="size" label={columns.size} current={query} kind="number" />
            <SortableHead sort="pushed" label={words.orders.pushed} current={query} kind="age" />
            <SortableHead sort="pulled" label={words.orders.pulled} current={query} kind="age spare" />
            <div role="columnheader" class="digest spare">
              {words.digest}
            </div>
            <div role="columnheader">
              <span class="for-ears">{words.command}</span>
            </div>
          </div>
        </div>
        <VirtualRows
          count={total}
          rowHeight={isNarrow.value ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide}
          onRange={onRange}
          renderRow={(index) => {
            const item = items[index];
            return item === undefined ? (
              <div role="cell">
                <span class="skeleton" />
              </div>
            ) : (
              <TagCells
                key={item.tag}
                name={name}
                item={item}
                isChosen={chosen.has(item.tag)}
                choose={(isChosen) => (selection.value = selecting(selection.peek(), [item], isChosen))}
                marks={marks}
              />
            );
          }}
        />
      </div>
    </>
  );
}

function TagCells({
  name,
  item,
  isChosen,
  choose,
  marks,
}: {
  readonly name: string;
  readonly item: Tag;
  readonly isChosen: boolean;
  readonly choose: (isChosen: boolean) => void;
  readonly marks: Properties["marks"];
}): JSX.Element {
  const { tag, digest, size, pushed, pulled, immutable } = item;
  const known = marks.of(item).value;
  const kind = known?.kind ?? kindOf(item);
  const cosign = cosignTag(tag);
  const command = commandFor(kind, { name, tag });
  return (
    <>
      <div role="cell" class="select">
        <input
          type="checkbox"
          aria-label={words.selectTag(tag)}
          checked={isChosen}
          onChange={({ currentTarget }) => choose(currentTarget.checked)}
        />
      </div>
      <div role="cell" class="name">
        <a data-main class="whole-row" href={formatRoute({ kind: "image", reference: { name, tag } })} title={tag}>
          <bdi>{tag}</bdi>
        </a>
        {immutable !== undefined && (
          <span class="mark-word" title={words.immutableBy(immutable)}>
            <LockIcon /> {words.immutable}
          </span>
        )}
        {known?.isSigned === true && (
          <span class="mark-word good" title={words.signedHint}>
            <SealIcon /> {words.signed}
          </span>
        )}
        {known?.hasSbom === true && <span class="mark-word">{words.sbom}</span>}
        {cosign !== undefined && (
          <span class="mark-word" title={cosign.subject}>
            {words.attached}
          </span>
        )}
      </div>
      <div role="cell" class="platforms">
        <Platforms item={item} kind={kind} />
      </div>
      <div role="cell" class="number">
        {size === undefined ? texts.unknown : <Bytes value={size} />}
      </div>
      <div role="cell" class="age">
        <Time value={pushed} />
      </div>
      <div role="cell" class="age spare">
        <Time value={pulled} absent={texts.never} />
      </div>
      <div role="cell" class="digest spare">
        <code title={digest}>{shortDigest(digest)}</code>
        <CopyButton value={digest} what={words.digestOf(tag)} />
      </div>
      <div role="cell" class="command-cell">
        <CopyButton value={command} what={command} icon={<TerminalIcon />} />
      </div>
    </>
  );
}

/** So many platforms are named; the others are counted. */
const NAMED = 2;

function Platforms({
  item: { platforms = [] },
  kind,
}: {
  readonly item: Tag;
  readonly kind: keyof typeof texts.kinds;
}): JSX.Element {
  const known = formatPlatforms(platforms);
  if (known.length === 0) return <span class="quiet">{kind === "image" ? texts.unknown : texts.kinds[kind]}</span>;
  const rest = known.length - NAMED;
  return (
    <span title={known.join("\n")}>
      {known.slice(0, NAMED).join(", ")}
      {rest > 0 && <span class="quiet"> {words.more(rest)}</span>}
    </span>
  );
}
