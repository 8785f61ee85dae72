import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useCallback, useMemo } from "preact/hooks";
import type { LayerFile } from "../../api/layer-files.js";
import { fileLines, growFiles, matchingFiles, type FileLine } from "../../lib/file-tree.js";
import type { Hidden } from "../../lib/hidden.js";
import { visible } from "../../lib/visible.js";
import { FileIcon, FolderIcon, RightIcon } from "../../parts/icons.js";
import { SearchField } from "../../parts/search-field.js";
import { Bytes } from "../../parts/values.js";
import { VirtualRows } from "../../parts/virtual-rows.js";
import { choose, route } from "../../state/route.js";
import { isNarrow } from "../../state/width.js";
import { texts } from "../../text/index.js";

const words = texts.files;
/** Pixels. */
const ROW_HEIGHT = { wide: 36, narrow: 56 } as const;
/** The only folder is unfolded at first, and so is the only one in it. */
const FIRST_DEPTH = 8;

/** Files as a tree, or those that a search finds as a list. */
export function FileTree({
  files,
  hidden,
}: {
  readonly files: readonly LayerFile[];
  readonly hidden: Hidden;
}): JSX.Element {
  const tree = useMemo(() => growFiles(files), [files]);
  const opened = useSignal<ReadonlySet<string>>(useMemo(() => firstOpen(tree), [tree]));
  const search = route.value.query["file"] ?? "";
  const lines = useMemo(
    (): readonly FileLine<LayerFile>[] =>
      search === "" ? fileLines(tree, opened.value) : matchingFiles(files, search).map(asLine),
    [tree, files, search, opened.value],
  );
  const toggle = (path: string): void => {
    const next = new Set(opened.peek());
    if (!next.delete(path)) next.add(path);
    opened.value = next;
  };
  const onRange = useCallback(() => undefined, []);
  return (
    <>
      <div class="list-tools">
        <SearchField label={words.search} value={search} onInput={(next) => choose({ file: next })} />
        <span>
          {search === "" ? words.count(tree.files) : words.matching(lines.length, search)}
          {search === "" && (
            <>
              {" · "}
              <Bytes value={tree.size} />
            </>
          )}
        </span>
      </div>
      {lines.length === 0 ? (
        <p class="nothing quiet">{search === "" ? words.empty : words.nothing(search)}</p>
      ) : (
        <div class="table layer-files" role="table" aria-label={words.title} aria-rowcount={lines.length + 1}>
          <div role="rowgroup" class="head">
            <div role="row" class="head-row">
              <div role="columnheader">{words.path}</div>
              <div role="columnheader" class="note">
                <span class="for-ears">{words.note}</span>
              </div>
              <div role="columnheader" class="number">
                {words.size}
              </div>
              <div role="columnheader" class="mode">
                {words.mode}
              </div>
            </div>
          </div>
          <VirtualRows
            count={lines.length}
            rowHeight={isNarrow.value ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide}
            onRange={onRange}
            renderRow={(index) => {
              const line = lines[index];
              return line === undefined ? <div role="cell" /> : <Line line={line} hidden={hidden} toggle={toggle} />;
            }}
          />
        </div>
      )}
    </>
  );
}

function asLine(entry: LayerFile): FileLine<LayerFile> {
  const { path, size } = entry;
  return { node: { path, label: path, entry, isFolder: false, size, files: 1 }, depth: 0, isOpen: false };
}

function firstOpen(tree: ReturnType<typeof growFiles<LayerFile>>): ReadonlySet<string> {
  const open = new Set<string>();
  let nodes = tree.within();
  for (let depth = 0; depth < FIRST_DEPTH && nodes.length === 1; depth += 1) {
    const [only] = nodes;
    if (only?.isFolder !== true) break;
    open.add(only.path);
    nodes = tree.within(only);
  }
  return open;
}

function Line({
  line,
  hidden,
  toggle,
}: {
  readonly line: FileLine<LayerFile>;
  readonly hidden: Hidden;
  readonly toggle: (path: string) => void;
}): JSX.Element {
  const { node, depth } = line;
  const { path, entry, isFolder, size } = node;
  const removes = entry?.removes;
  const hiding = removes === undefined ? hidden.of(entry ?? { path, type: "directory" }) : undefined;
  const name = (
    <bdi class={removes === undefined && hiding === undefined ? "" : "gone-file"}>{visible(node.label)}</bdi>
  );
  return (
    <>
      <span class="indent" aria-hidden="true" data-depth={Math.min(depth, 8)} />
      <div role="cell" class="name">
        {isFolder ? <Folder line={line} name={name} toggle={toggle} /> : <File path={path} entry={entry} name={name} />}
      </div>
      <div role="cell" class="note">
        {removes !== undefined && <span class="lost">{words.removes(removes)}</span>}
        {hiding !== undefined && <span class="hidden-by">{words.hiding(hiding.how, hiding.layer + 1)}</span>}
        {entry !== undefined && !PLAIN.includes(entry.type) && <span class="quiet">{words.special(entry.type)}</span>}
      </div>
      <div role="cell" class="number">
        {removes === undefined && (isFolder || entry?.type === "file") && <Bytes value={size} />}
      </div>
      <div role="cell" class="mode">
        <code>{removes === undefined ? entry?.mode : ""}</code>
      </div>
    </>
  );
}

/** What needs no word beside its name. */
const PLAIN: readonly string[] = ["file", "directory", "symlink", "link"];

function Folder({
  line: { node, isOpen },
  name,
  toggle,
}: {
  readonly line: FileLine<LayerFile>;
  readonly name: JSX.Element;
  readonly toggle: (path: string) => void;
}): JSX.Element {
  const label = visible(node.label);
  return (
    <button
      data-main
      type="button"
      class="whole-row folder"
      aria-expanded={isOpen}
      aria-label={isOpen ? texts.repositories.close(label) : texts.repositories.open(label)}
      onClick={() => toggle(node.path)}
    >
      <RightIcon />
      <FolderIcon />
      {name}
    </button>
  );
}

function File({
  path,
  entry,
  name,
}: {
  readonly path: string;
  readonly entry: LayerFile | undefined;
  readonly name: JSX.Element;
}): JSX.Element {
  return (
    <span data-main tabIndex={-1} class="file-label" title={visible(path)}>
      <FileIcon />
      {name}
      {entry?.link !== undefined && (
        <span class="quiet">
          {" "}
          {entry.type === "link" ? "=" : "→"} <bdi>{visible(entry.link)}</bdi>
        </span>
      )}
    </span>
  );
}
