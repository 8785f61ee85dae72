interface Entry {
  readonly path: string;
  readonly type: string;
  readonly size: number;
}

/** A folder or file of a layer. A folder may have no entry of its own: some layers name only what is in them. */
export interface FileNode<E extends Entry> {
  readonly path: string;
  readonly label: string;
  readonly entry: E | undefined;
  readonly children: Map<string, FileNode<E>>;
  /** Of all files in it, or its own. */
  size: number;
  files: number;
}

/** A line of the tree as it is unfolded. */
export interface FileLine<E extends Entry> {
  readonly node: FileNode<E>;
  readonly depth: number;
  readonly isFolder: boolean;
  readonly isOpen: boolean;
}

/** What is deeper is one name with slashes: hostile paths have thousands of parts. */
const DEEPEST = 64;

/** Puts the entries of a layer into folders. A path that occurs again replaces what it was, as when it is unpacked. */
export function growFiles<E extends Entry>(entries: readonly E[]): FileNode<E> {
  const root = nodeOf<E>("", "", undefined);
  for (const entry of entries) {
    if (entry.path === "") continue;
    const parts = entry.path.split("/");
    const names = parts.length > DEEPEST ? [...parts.slice(0, DEEPEST), parts.slice(DEEPEST).join("/")] : parts;
    let node = root;
    let path = "";
    for (const [index, name] of names.entries()) {
      path = path === "" ? name : `${path}/${name}`;
      const before = node.children.get(name);
      const isLast = index === names.length - 1;
      const next = nodeOf(path, name, isLast ? entry : before?.entry, before?.children);
      if (before === undefined || isLast) node.children.set(name, next);
      node = node.children.get(name) ?? next;
    }
  }
  return weigh(root);
}

function nodeOf<E extends Entry>(
  path: string,
  label: string,
  entry: E | undefined,
  children = new Map<string, FileNode<E>>(),
): FileNode<E> {
  return { path, label, entry, children, size: 0, files: 0 };
}

function weigh<E extends Entry>(node: FileNode<E>): FileNode<E> {
  const isFile = node.children.size === 0 && node.entry !== undefined && node.entry.type !== "directory";
  node.size = node.entry?.type === "file" ? node.entry.size : 0;
  node.files = isFile ? 1 : 0;
  for (const child of node.children.values()) {
    weigh(child);
    node.size += child.size;
    node.files += child.files;
  }
  return node;
}

/** The lines of the tree in which the folders of `open` are unfolded: folders first, each by name. */
export function fileLines<E extends Entry>(root: FileNode<E>, open: ReadonlySet<string>): readonly FileLine<E>[] {
  const lines: FileLine<E>[] = [];
  const visit = (node: FileNode<E>, depth: number): void => {
    for (const child of [...node.children.values()].sort(inOrder)) {
      const isOpen = open.has(child.path);
      lines.push({ node: child, depth, isFolder: isFolder(child), isOpen });
      if (isOpen) visit(child, depth + 1);
    }
  };
  visit(root, 0);
  return lines;
}

function isFolder<E extends Entry>({ entry, children }: FileNode<E>): boolean {
  return children.size > 0 || entry?.type === "directory";
}

function inOrder<E extends Entry>(a: FileNode<E>, b: FileNode<E>): number {
  const first = Number(isFolder(b)) - Number(isFolder(a));
  return first !== 0 ? first : a.label < b.label ? -1 : 1;
}

/** Files whose paths have `text` in them, whatever its case, as a flat list. */
export function matchingFiles<E extends Entry>(entries: readonly E[], text: string): readonly E[] {
  const wanted = text.toLowerCase();
  return entries.filter(({ path }) => path.toLowerCase().includes(wanted));
}
