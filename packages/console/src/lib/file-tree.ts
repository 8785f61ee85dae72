interface Entry {
  readonly path: string;
  readonly type: string;
  readonly size: number;
}

/** A folder or file of a layer. A folder may have no entry of its own: some layers name only what is in them. */
interface FileNode<E extends Entry> {
  readonly path: string;
  readonly label: string;
  readonly entry: E | undefined;
  readonly isFolder: boolean;
  /** Of all files in it, or its own. */
  readonly size: number;
  readonly files: number;
}

/** A line of the tree as it is unfolded. */
export interface FileLine<E extends Entry> {
  readonly node: FileNode<E>;
  readonly depth: number;
  readonly isOpen: boolean;
}

/** The files of a layer by folder. A folder's nodes are made when they are first asked for: hostile paths have thousands of parts. */
export interface FileTree<E extends Entry> {
  readonly size: number;
  readonly files: number;
  /** What is in a folder, or at the top: folders first, each by name. */
  within(folder?: FileNode<E>): readonly FileNode<E>[];
}

/** Puts the entries of a layer into folders. A path that occurs again replaces what it was, as when it is unpacked. */
export function growFiles<E extends Entry>(entries: readonly E[]): FileTree<E> {
  const byPath = new Map(entries.filter(({ path }) => path !== "").map((entry) => [inFolderOrder(entry.path), entry]));
  // What is in a folder is one range of these.
  const paths = [...byPath.keys()].sort();
  const sorted = paths.flatMap((path) => byPath.get(path) ?? []);
  // Of the entries before each, so that a range has the difference.
  const sizes = [0];
  const files = [0];
  for (const [index, { type, size }] of sorted.entries()) {
    const isFolder =
      type === "directory" || (paths[index + 1]?.startsWith(`${paths[index] ?? ""}${SEPARATOR}`) ?? false);
    sizes.push((sizes[index] ?? 0) + (type === "file" ? size : 0));
    files.push((files[index] ?? 0) + (isFolder ? 0 : 1));
  }
  const sum = (before: readonly number[], from: number, to: number): number => (before[to] ?? 0) - (before[from] ?? 0);
  const ranges = new WeakMap<FileNode<E>, readonly [from: number, to: number]>();
  const made = new Map<FileNode<E> | undefined, readonly FileNode<E>[]>();

  /** The node of the first entry from `from` on, in a folder whose path has `start` characters with its slash. */
  const nodeFrom = (from: number, start: number): readonly [node: FileNode<E>, to: number] => {
    const [first = ""] = paths.slice(from, from + 1);
    const slash = first.indexOf(SEPARATOR, start);
    const key = slash < 0 ? first : first.slice(0, slash);
    const entry = slash < 0 ? sorted[from] : undefined;
    let to = slash < 0 ? from + 1 : from;
    while (paths[to]?.startsWith(`${key}${SEPARATOR}`) === true) to += 1;
    const path = sorted[from]?.path.slice(0, key.length) ?? "";
    const isFolder = to - from > (entry === undefined ? 0 : 1) || entry?.type === "directory";
    const label = path.slice(start);
    const node = { path, label, entry, isFolder, size: sum(sizes, from, to), files: sum(files, from, to) };
    ranges.set(node, [slash < 0 ? from + 1 : from, to]);
    return [node, to];
  };

  return {
    size: sum(sizes, 0, sorted.length),
    files: sum(files, 0, sorted.length),
    within(folder) {
      const before = made.get(folder);
      if (before !== undefined) return before;
      const nodes: FileNode<E>[] = [];
      const [from, to] = folder === undefined ? [0, sorted.length] : (ranges.get(folder) ?? [0, 0]);
      for (let at = from; at < to;) {
        const [node, next] = nodeFrom(at, folder === undefined ? 0 : folder.path.length + 1);
        nodes.push(node);
        at = next;
      }
      nodes.sort(inOrder);
      made.set(folder, nodes);
      return nodes;
    },
  };
}

/** Comes before any other character, so that what is in a folder follows it. */
const SEPARATOR = "\0";

function inFolderOrder(path: string): string {
  return path.replaceAll("/", SEPARATOR);
}

/** The lines of the tree in which the folders of `open` are unfolded. */
export function fileLines<E extends Entry>(tree: FileTree<E>, open: ReadonlySet<string>): readonly FileLine<E>[] {
  const lines: FileLine<E>[] = [];
  const visit = (nodes: readonly FileNode<E>[], depth: number): void => {
    for (const node of nodes) {
      const isOpen = open.has(node.path);
      lines.push({ node, depth, isOpen });
      if (isOpen) visit(tree.within(node), depth + 1);
    }
  };
  visit(tree.within(), 0);
  return lines;
}

function inOrder<E extends Entry>(a: FileNode<E>, b: FileNode<E>): number {
  const first = Number(b.isFolder) - Number(a.isFolder);
  return first !== 0 ? first : a.label < b.label ? -1 : 1;
}

/** Files whose paths have `text` in them, whatever its case, as a flat list. */
export function matchingFiles<E extends Entry>(entries: readonly E[], text: string): readonly E[] {
  const wanted = text.toLowerCase();
  return entries.filter(({ path }) => path.toLowerCase().includes(wanted));
}
