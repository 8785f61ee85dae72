/** What a list of repositories knows of each. */
interface Leaf {
  readonly name: string;
  readonly size: number;
  readonly pushed: string;
}

/** A line of the tree: a prefix with what is below it, or a repository. */
export type TreeLine<T extends Leaf> =
  | {
      readonly kind: "folder";
      readonly path: string;
      readonly label: string;
      readonly depth: number;
      readonly isOpen: boolean;
      readonly repositories: number;
      readonly size: number;
      readonly pushed: string;
    }
  | { readonly kind: "repository"; readonly item: T; readonly label: string; readonly depth: number };

interface Folder<T extends Leaf> {
  readonly folders: Map<string, Folder<T>>;
  readonly items: T[];
  repositories: number;
  size: number;
  pushed: string;
}

function newFolder<T extends Leaf>(): Folder<T> {
  return { folders: new Map(), items: [], repositories: 0, size: 0, pushed: "" };
}

/** Groups repositories by the parts of their names. */
function growTree<T extends Leaf>(items: readonly T[]): Folder<T> {
  const root = newFolder<T>();
  for (const item of items) {
    let folder = root;
    for (const part of item.name.split("/").slice(0, -1)) {
      let next = folder.folders.get(part);
      if (next === undefined) folder.folders.set(part, (next = newFolder()));
      folder = next;
      folder.repositories += 1;
      folder.size += item.size;
      if (item.pushed > folder.pushed) folder.pushed = item.pushed;
    }
    folder.items.push(item);
  }
  return root;
}

/** The lines of the tree in which the folders of `open` are unfolded: folders first, then repositories, each by name. */
export function treeLines<T extends Leaf>(items: readonly T[], open: ReadonlySet<string>): readonly TreeLine<T>[] {
  const lines: TreeLine<T>[] = [];
  const visit = (folder: Folder<T>, prefix: string, depth: number): void => {
    for (const [part, child] of [...folder.folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const path = `${prefix}${part}`;
      const isOpen = open.has(path);
      const { repositories, size, pushed } = child;
      lines.push({ kind: "folder", path, label: part, depth, isOpen, repositories, size, pushed });
      if (isOpen) visit(child, `${path}/`, depth + 1);
    }
    for (const item of folder.items) {
      lines.push({ kind: "repository", item, label: item.name.slice(prefix.length), depth });
    }
  };
  visit(growTree(items), "", 0);
  return lines;
}
